#!/bin/sh
# What CompareTests calls under several names: notes its name, then does what lies beside it.
echo "${0##*/}" >> "${0%/*}/order"
. "$0.result"
