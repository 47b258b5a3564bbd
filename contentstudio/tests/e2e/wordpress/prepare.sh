#!/usr/bin/env bash
# A real WordPress with PHP and MariaDB from Debian's packages, unpacked into one folder. Nothing is installed: apt
# keeps its lists, its locks and what it downloads in that folder too. Done once, in under a minute; then at once.
set -euo pipefail

folder=${1:?usage: prepare.sh FOLDER}
[ -e "$folder/ready" ] && exit 0
mkdir -p "$folder"/lists/partial "$folder"/cache/archives/partial "$folder"/downloads
exec 9>"$folder/lock"
flock 9 # who comes second finds it done
[ -e "$folder/ready" ] && exit 0
rm -rf "$folder/prefix" "$folder/wordpress"

apt=(apt-get -qq -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder/cache" -o Debug::NoLocking=1
  -o APT::Sandbox::User="$(id -un)")
"${apt[@]}" update
"${apt[@]}" install -y --no-install-recommends --download-only \
  php8.2-cli php8.2-mysql php8.2-gd php8.2-curl php8.2-xml php8.2-mbstring php8.2-opcache \
  mariadb-server-core mariadb-client-core
# WordPress itself depends on a web server and a mail server, which are not for us.
(cd "$folder/downloads" && "${apt[@]}" download \
  wordpress wordpress-theme-twentytwentythree php-getid3 libjs-cropper libjs-underscore)

for package in "$folder"/cache/archives/*.deb "$folder"/downloads/*.deb; do
  dpkg -x "$package" "$folder/prefix"
done
# The packages share files by absolute links, which lead into the prefix from here on.
find "$folder/prefix/usr/share" -type l | while read -r link; do
  target=$(readlink "$link")
  if [[ $target = /* ]]; then ln -sfn "$folder/prefix$target" "$link"; fi
done
# What a link still misses is a script of an editor that no test opens.
cp -rL "$folder/prefix/usr/share/wordpress" "$folder/wordpress" 2>/dev/null || true
test -e "$folder/wordpress/wp-includes/rest-api.php"
test -x "$folder/prefix/usr/bin/php8.2"
test -x "$folder/prefix/usr/sbin/mariadbd"
touch "$folder/ready"
