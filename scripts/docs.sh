#!/usr/bin/env bash
# Makes the client's documentation with DocC: articles, tutorial, and what the code says of itself.
# What DocC only warns of fails here: a link to nothing, a step without its file.
#
#     docs.sh PACKAGE OUTPUT
#
# PACKAGE is the folder of a package that uses the client and was built. Prints where to begin.
set -euo pipefail

package=$1
output=$2
root=$(cd "$(dirname "$0")/.." && pwd)
built=$(swift build --package-path "$package" --show-bin-path)
graphs=$(mktemp -d)
trap 'rm -rf "$graphs"' EXIT

# The modules in C that the client's own are made of.
maps=()
while IFS= read -r map; do
    maps+=(-Xcc "-fmodule-map-file=$map")
done < <(
    find "$built" -maxdepth 2 -name module.modulemap
    find "$root/Sources" "$package/.build/checkouts" -path '*/Sources/*' -name module.modulemap
)
target=$(swift -print-target-info | sed -n 's/^ *"unversionedTriple": "\(.*\)",*$/\1/p')
swift symbolgraph-extract -module-name ApusClient -I "$built/Modules" "${maps[@]}" \
    -target "$target" -minimum-access-level public -skip-synthesized-members \
    -output-dir "$graphs"
docc convert "$root/Sources/ApusClient/ApusClient.docc" --additional-symbol-graph-dir "$graphs" \
    --fallback-display-name ApusClient --fallback-bundle-identifier apus.client \
    --output-dir "$output" --warnings-as-errors
for page in documentation/apusclient tutorials/apusclient/orders tutorials/apusclient/cooks; do
    if [[ ! -e $output/data/$page.json ]]; then
        printf 'the documentation has no page %s\n' "$page" >&2
        exit 1
    fi
done
printf 'the documentation of the client is in %s: docc preview, or any server of files\n' "$output"
