#!/usr/bin/env bash
# A real WordPress with PHP and MariaDB from Debian's packages, unpacked into one folder. Nothing is installed: apt
# keeps its lists, its locks and what it downloads in that folder too. Done once, in under a minute; then at once.
set -euo pipefail

version=2 # of what this script unpacks: a folder of another version is made anew, from the downloads that it has
folder=${1:?usage: prepare.sh FOLDER}
is_ready() { [ "$(cat "$folder/ready" 2>/dev/null)" = "$version" ]; }
is_ready && exit 0
mkdir -p "$folder"/lists/partial "$folder"/cache/archives/partial "$folder"/downloads
exec 9>"$folder/lock"
flock 9 # who comes second finds it done
is_ready && exit 0
new="$folder/new"
rm -rf "$new"
mkdir "$new"

apt=(apt-get -qq -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder/cache" -o Debug::NoLocking=1
  -o APT::Sandbox::User="$(id -un)")
"${apt[@]}" update
"${apt[@]}" install -y --no-install-recommends --download-only \
  php8.2-cli php8.2-mysql php8.2-gd php8.2-curl php8.2-xml php8.2-mbstring php8.2-opcache \
  mariadb-server-core mariadb-client-core
# WordPress itself depends on a web server and a mail server, which are not for us. One theme is made of blocks, the
# other is a classic one.
(cd "$folder/downloads" && "${apt[@]}" download \
  wordpress wordpress-theme-twentytwentythree wordpress-theme-twentytwentyone php-getid3 libjs-cropper libjs-underscore)

for package in "$folder"/cache/archives/*.deb "$folder"/downloads/*.deb; do
  dpkg -x "$package" "$new/prefix"
done
# The packages share files by absolute links, which are made relative, so that they stay within the prefix.
find "$new/prefix/usr/share" -type l | while read -r link; do
  target=$(readlink "$link")
  if [[ $target = /* ]]; then ln -sfnr "$new/prefix$target" "$link"; fi
done
# The installation of another package would make this one; no test leaves the loopback, so none needs certificates.
rm "$new/prefix/usr/share/wordpress/wp-includes/certificates/ca-bundle.crt"
cp -rL "$new/prefix/usr/share/wordpress" "$new/wordpress" # fails where a link leads nowhere
test -e "$new/wordpress/wp-includes/rest-api.php"
test -e "$new/wordpress/wp-content/themes/twentytwentyone/style.css"
test -x "$new/prefix/usr/bin/php8.2"
test -x "$new/prefix/usr/sbin/mariadbd"
# The old ones are gone for a moment only: tests that run with them find the new ones under the same names.
rm -rf "$folder/old"
mkdir -p "$folder/old" "$folder/prefix" "$folder/wordpress"
mv "$folder/prefix" "$folder/wordpress" "$folder/old"
mv "$new/prefix" "$new/wordpress" "$folder"
rm -rf "$new" "$folder/old"
echo "$version" > "$folder/ready"
