#!/bin/sh
# Brings the models before the worker starts; it does not start without them.
set -eu
models=$(/opt/elasticbeanstalk/bin/get-config environment -k CUELIGHT_MODELS)
data=$(/opt/elasticbeanstalk/bin/get-config environment -k CUELIGHT_DATA)
model=$(/opt/elasticbeanstalk/bin/get-config environment -k CUELIGHT_MODEL)
mkdir -p "$models" "$data"
HOME=/var/lib/cuelight ./worker model pull --models "$models" "$model"
chown -R webapp:webapp "$models" "$data"
