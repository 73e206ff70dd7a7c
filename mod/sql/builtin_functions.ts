// The names that a statement may write in front of `(` without calling anything out of the text:
// built-in functions, and keywords that parentheses follow. Each list holds what the named servers
// do not take for the call of a stored function; tests ask real servers about every name.

/** Functions that both servers have, in lower case, and that do nothing but compute a value. */
export const FUNCTIONS = words(`
  abs acos adddate addtime aes_decrypt aes_encrypt ascii asin atan atan2 avg bin bit_and bit_count
  bit_length bit_or bit_xor cast ceil ceiling char char_length character_length charset coalesce
  coercibility collation compress concat concat_ws conv convert convert_tz cos cot count crc32
  cume_dist curdate current_date current_role current_time current_timestamp current_user curtime
  database date date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear
  default degrees dense_rank elt exp export_set extract extractvalue field find_in_set first_value
  floor format from_base64 from_days from_unixtime get_format greatest group_concat hex hour if
  ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa insert instr interval is_ipv4 is_ipv4_compat
  is_ipv4_mapped is_ipv6 isnull json_array json_array_append json_array_insert json_arrayagg
  json_contains json_contains_path json_depth json_extract json_insert json_keys json_length
  json_merge json_merge_patch json_merge_preserve json_object json_objectagg json_overlaps
  json_pretty json_quote json_remove json_replace json_search json_set json_type json_unquote
  json_valid json_value lag last_day last_value lcase lead least left length ln load_file localtime
  localtimestamp locate log log10 log2 lower lpad ltrim make_set makedate maketime match max
  mbrcontains mbrdisjoint mbrequals mbrintersects mbroverlaps mbrtouches mbrwithin microsecond mid
  min minute mod month monthname name_const now nth_value ntile nullif oct octet_length ord password
  percent_rank period_add period_diff pi position pow power quarter quote radians rand random_bytes
  rank regexp_instr regexp_replace regexp_substr repeat replace reverse right round row row_number
  rpad rtrim schema sec_to_time second session_user sha2 sign sin soundex space sqrt st_area
  st_asbinary st_asgeojson st_astext st_aswkb st_aswkt st_buffer st_centroid st_contains
  st_convexhull st_crosses st_difference st_dimension st_disjoint st_distance st_distance_sphere
  st_endpoint st_envelope st_equals st_exteriorring st_geomcollfromtext st_geomcollfromwkb
  st_geometrycollectionfromtext st_geometrycollectionfromwkb st_geometryfromtext st_geometryfromwkb
  st_geometryn st_geometrytype st_geomfromgeojson st_geomfromtext st_geomfromwkb st_interiorringn
  st_intersection st_intersects st_isclosed st_isempty st_issimple st_length st_linefromtext
  st_linefromwkb st_linestringfromtext st_linestringfromwkb st_mlinefromtext st_mlinefromwkb
  st_mpointfromtext st_mpointfromwkb st_mpolyfromtext st_mpolyfromwkb st_multilinestringfromtext
  st_multilinestringfromwkb st_multipointfromtext st_multipointfromwkb st_multipolygonfromtext
  st_multipolygonfromwkb st_numgeometries st_numinteriorrings st_numpoints st_overlaps
  st_pointfromtext st_pointfromwkb st_pointn st_polyfromtext st_polyfromwkb st_polygonfromtext
  st_polygonfromwkb st_srid st_startpoint st_symdifference st_touches st_union st_within st_x st_y
  std stddev stddev_pop stddev_samp str_to_date strcmp subdate substr substring substring_index
  subtime sum sysdate system_user tan time time_format time_to_sec timediff timestamp timestampadd
  timestampdiff to_base64 to_days to_seconds trim truncate ucase uncompress uncompressed_length
  unhex unix_timestamp updatexml upper user utc_date utc_time utc_timestamp uuid uuid_short value
  values var_pop var_samp variance version week weekday weekofyear weight_string year yearweek
`);

/**
 * The same, of MySQL alone. MariaDB calls a stored function named point where the arguments are not
 * those of its own. md5, sha and sha1 have become a component's in MySQL 9: no stored functions, but
 * where somebody has made up for them.
 */
export const MYSQL_FUNCTIONS = words(`
  against any_value bin_to_uuid columns contains escape etag format_bytes format_pico_time
  from_vector geomcollection geometrycollection grouping gtid_subset gtid_subtract icu_version
  is_uuid json_duality_object json_schema_valid json_schema_validation_report json_storage_free
  json_storage_size json_table lateral linestring mbrcoveredby mbrcovers md5 multilinestring
  multipoint multipolygon of point polygon regexp_like sha sha1 st_buffer_strategy st_collect
  st_frechetdistance st_geohash st_geomcollfromtxt st_hausdorffdistance st_isvalid st_latfromgeohash
  st_latitude st_lineinterpolatepoint st_lineinterpolatepoints st_longfromgeohash st_longitude
  st_makeenvelope st_numinteriorring st_pointatdistance st_pointfromgeohash st_simplify st_swapxy
  st_transform st_validate statement_digest statement_digest_text string_to_vector than to_vector
  uuid_to_bin validate_password_strength vector_dim vector_to_string
`);

/** The same, of MariaDB alone. */
export const MARIADB_FUNCTIONS = words(`
  add_months area asbinary astext aswkb aswkt boundary buffer centroid chr column_add column_check
  column_create column_delete column_exists column_get column_json column_list contains convexhull
  crc32c crosses decode decode_histogram des_decrypt des_encrypt dimension disjoint encode encrypt
  endpoint envelope equals exteriorring geomcollfromtext geomcollfromwkb
  geometrycollectionfromtext geometrycollectionfromwkb geometryfromtext geometryfromwkb geometryn
  geometrytype geomfromtext geomfromwkb glength interiorringn intersects isclosed isempty isring
  issimple json_compact json_detailed json_equals json_exists json_loose json_normalize json_query
  lengthb linefromtext linefromwkb linestringfromtext linestringfromwkb mbrequal md5 median
  mlinefromtext mlinefromwkb mpointfromtext mpointfromwkb mpolyfromtext mpolyfromwkb
  multilinestringfromtext multilinestringfromwkb multipointfromtext multipointfromwkb
  multipolygonfromtext multipolygonfromwkb natural_sort_key numgeometries numinteriorrings
  numpoints nvl nvl2 old_password overlaps percentile_cont percentile_disc pointfromtext
  pointfromwkb pointn pointonsurface polyfromtext polyfromwkb polygonfromtext polygonfromwkb
  rownum sformat sha sha1 st_boundary st_isring st_pointonsurface st_relate startpoint sys_guid
  to_char touches within x y
`);

/** Functions whose name stands for a stored function where a blank or a comment follows it. */
export const SPACELESS = words(`
  adddate bit_and bit_or bit_xor cast count cume_dist curdate curtime date_add date_sub dense_rank
  extract first_value group_concat json_arrayagg json_duality_object json_objectagg lag lead max
  median mid min now nth_value ntile percent_rank percentile_cont percentile_disc position rank
  session_user st_collect std stddev stddev_pop stddev_samp subdate substr substring sum sysdate
  system_user trim var_pop var_samp variance
`);

/** Functions that make one row of many, where there is no GROUP BY. */
export const AGGREGATES = words(`
  avg bit_and bit_or bit_xor count group_concat json_arrayagg json_objectagg max min std stddev
  stddev_pop stddev_samp sum var_pop var_samp variance
`);

/** Words of the grammar of both servers that parentheses may follow. */
export const BEFORE_PARENTHESES = words(`
  add all and any as asc between bigint binary bit blob both by case collate cross dec decimal
  delete desc describe distinct distinctrow div do double dual else end enum escaped except exists
  explain fixed float float4 float8 for force from fulltext group having ignore in index inner int
  int1 int2 int3 int4 int8 integer intersect into is join json key leading like limit lines long longblob
  longtext mediumblob mediumint mediumtext middleint national natural nchar not null numeric
  nvarchar offset on open or order outer over partition precision primary range real recursive
  references regexp return returning rlike rows select separator set show signed smallint some
  sounds spatial sql_big_result sql_buffer_result sql_calc_found_rows sql_no_cache
  sql_small_result straight_join table text then tinyblob tinyint tinytext to trailing true union
  unique unsigned update use using varbinary varchar varcharacter varying when where while window
  with xor year
`);

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
