# Runs behaviours with DBD::mysql or DBD::MariaDB; see README.md. Variants: DRIVER_text and
# DRIVER_prepared (statements prepared by the driver itself or by the server).

use strict;
use warnings;
use utf8;
use DBI;

my ($variant, $script, $host, $port, $tls) = @ARGV;
my ($driver, $protocol) = split /_/, $variant;
my $prefix = $driver eq 'mysql' ? 'mysql' : 'mariadb';
my $shown_rows = 50;
binmode STDOUT, ':encoding(UTF-8)';
$| = 1;
my ($db, $statement);
local $SIG{__WARN__} = sub { say_line('warning', $_[0] =~ s/ at \S+ line.*//sr) };

sub say_line { print '  ', join(' ', @_), "\n" }

sub shown {
    my ($value) = @_;
    return 'undef' unless defined $value;
    my $text = "'$value'";
    $text =~ s/([^ -~\x{a1}-\x{10ffff}])/sprintf '\x{%x}', ord $1/ge if length $text <= 200;
    return length $text <= 200 ? $text : length($text) . ' characters';
}

sub unescape {
    my ($word) = @_;
    my %parts = (t => "\t", n => "\n", r => "\r", 0 => "\0", '\\' => '\\');
    $word =~ s/\\(.)/$parts{$1}/g;
    return $word;
}

sub show_rows {
    my ($rows) = @_;
    my $characters = 0;
    my $at = 0;
    for my $row (@$rows) {
        my $text = join ', ', map { shown($_) } @$row;
        $characters += length $text;
        say_line('row', $text) if @$rows <= $shown_rows || $at++ < 3;
    }
    say_line(scalar(@$rows), 'rows,', $characters, 'characters');
}

sub show_results {
    my ($done) = @_;
    do {
        if ($done->{NUM_OF_FIELDS}) {
            for my $name ('NAME', 'TYPE', 'NULLABLE', 'PRECISION', map { "${prefix}_$_" }
                qw(type_name length is_blob is_key is_num is_pri_key table))
            {
                my $values = eval { $done->{$name} } or next;
                say_line('column', $name, map { shown($_) } @$values);
            }
            show_rows($done->fetchall_arrayref);
        }
        say_line('rows', $done->rows, 'id', shown($done->{"${prefix}_insertid"}),
            'warnings', shown($done->{"${prefix}_warning_count"}),
            'info', shown($db->{"${prefix}_info"}));
        # A statement prepared by the server has one result here, by the driver's own rule.
    } while !$done->{"${prefix}_server_prepare"} && $done->more_results;
}

sub bound {
    my ($word) = @_;
    my ($kind, $rest) = (substr($word, 0, 1), substr $word, 1);
    return (undef, DBI::SQL_VARCHAR()) if $kind eq 'n';
    return ($rest, DBI::SQL_BIGINT()) if $kind eq 'i' || $kind eq 'u';
    return ($rest, DBI::SQL_DOUBLE()) if $kind eq 'f';
    return (pack('H*', $rest), DBI::SQL_BLOB()) if $kind eq 'x';
    return ($rest, DBI::SQL_VARCHAR());
}

my %steps = (
    connect => sub {
        my ($user, $password, $database, $options) = @_;
        $db->disconnect if $db;
        undef $statement;
        undef $db;
        my %asked = map { $_ => 1 } split /,/, $options;
        my $source = "DBI:$driver:host=$host;port=$port;database=$database";
        my %settings = (
            multi_statements => $asked{multi} ? 1 : 0,
            client_found_rows => $asked{found_rows} ? 1 : 0,
            local_infile => $asked{local} ? 1 : 0,
            compression => $asked{compress} ? 1 : 0,
            server_prepare => $protocol eq 'prepared' ? 1 : 0,
            # Without "optional" the driver wants a certificate authority to verify with.
            ssl => $tls,
            ssl_optional => $tls,
        );
        $source .= ";${prefix}_$_=$settings{$_}" for sort keys %settings;
        my %attributes = (PrintError => 0, RaiseError => 1, AutoCommit => 1);
        $attributes{mysql_enable_utf8mb4} = 1 if $driver eq 'mysql' && !$asked{gbk};
        $db = DBI->connect($source, $user, $password, \%attributes);
        $db->do('SET NAMES gbk') if $asked{gbk};
        say_line('connected');
    },
    info => sub {
        say_line(map { shown($db->{"${prefix}_$_"}) } qw(serverinfo serverversion protoinfo hostinfo));
    },
    query => sub {
        my $done = $db->prepare($_[0], { "${prefix}_server_prepare" => 0 });
        $done->execute;
        show_results($done);
    },
    prepare => sub {
        undef $statement;
        $statement = $db->prepare($_[0]);
        say_line('parameters', $statement->{NUM_OF_PARAMS});
    },
    execute => sub {
        return say_line('no statement') unless $statement;
        my $at = 0;
        $statement->bind_param(++$at, bound($_)) for @_;
        $statement->execute;
        show_results($statement);
    },
    fetch => sub {
        my ($size, $sql) = @_;
        # libmariadb never ends when a statement prepared by the server is streamed.
        my $done = $db->prepare($sql, { "${prefix}_use_result" => 1, "${prefix}_server_prepare" => 0 });
        $done->execute;
        my @rows;
        while (my $part = $done->fetchall_arrayref(undef, $size)) {
            last unless @$part;
            push @rows, @$part;
        }
        show_rows(\@rows);
    },
    load_local => sub {
        my ($file, $sql) = @_;
        $sql =~ s/%s/$file/;
        say_line('rows', $db->do($sql), 'info', shown($db->{"${prefix}_info"}));
    },
    blob => sub {
        my ($id, $size) = @_;
        my $data = substr join('', map { chr } 0 .. 255) x ($size / 256 + 1), 0, $size;
        my $done = $db->prepare('INSERT INTO blobs VALUES (?, ?)');
        $done->bind_param(1, $id, DBI::SQL_INTEGER());
        $done->bind_param(2, $data, DBI::SQL_BLOB());
        say_line('inserted', $done->execute);
        my ($back) = $db->selectrow_array("SELECT b FROM blobs WHERE id = $id");
        say_line('same', $back eq $data ? 'yes' : 'no', length $back);
    },
    begin => sub { $db->begin_work },
    commit => sub { $db->commit },
    rollback => sub { $db->rollback },
    ping => sub { say_line(shown($db->ping)) },
    statistics => sub { say_line(shown($db->{"${prefix}_stat"})) },
    close => sub { undef $statement; $db->disconnect; undef $db },
);

open my $lines, '<:encoding(UTF-8)', $script or die "$script: $!";
my $number = 0;
while (my $line = <$lines>) {
    chomp $line;
    my ($operation, @words) = map { unescape($_) } split /\t/, $line, -1;
    print ++$number, ' ', join(' ', $operation, map { shown($_) } @words), "\n";
    if ($operation eq 'behaviour') {
        undef $statement;
        $db->disconnect if $db;
        undef $db;
    } elsif (!$db && $operation ne 'connect') {
        say_line('no connection');
    } elsif (!$steps{$operation}) {
        say_line('not offered');
    } else {
        eval { $steps{$operation}->(@words); 1 } or do {
            my $failed = defined $DBI::err ? "$DBI::err $DBI::state $DBI::errstr" : $@;
            say_line('error', $failed =~ s/ at \S+ line \d+.*//sr);
        };
    }
}
