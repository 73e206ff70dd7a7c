# Sourced: apt for Debian's unstable release with a state of its own in the folder $work, from the
# machine's own mirror. Wants the function fail.

mirror=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages' |
  awk '$2 == "main" && $1 ~ /debian\/?$/ { print $1; exit }')
[ -n "$mirror" ] || fail "no Debian mirror in apt's sources"
arch=$(dpkg --print-architecture)
: >"$work/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
signed=$([ ! -f "$keyring" ] || echo "signed-by=$keyring")
echo "deb [arch=$arch $signed] $mirror sid main" >"$work/sources.list"
# A mirror that was left behind is good enough: what it has is signed all the same.
cat >"$work/apt.conf" <<CONF
Acquire::Check-Valid-Until "false";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$work";
Dir::State::status "$work/status";
Dir::Cache "$work";
Dir::Log "$work";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets::deb::DEP-11;
#clear Acquire::IndexTargets::deb::CNF;
#clear Acquire::IndexTargets::deb::Contents-deb;
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
export APT_CONFIG=$work/apt.conf
apt-get -qq -o APT::Update::Error-Mode=any update || fail "cannot read the package list of sid"
