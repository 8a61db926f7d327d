#!/bin/sh
# Makes the secrets of compose.yaml, once. Keep the master key: without it, the catalog's keys are lost.
set -eu
cd "$(dirname "$0")"
if [ -e secrets ]; then
    echo "secrets/ is there already" >&2
    exit 1
fi
umask 077
mkdir secrets
cd secrets
word() { od -An -tx1 -N"$1" /dev/urandom | tr -d ' \n'; }
word 32 >master-key
word 16 >admin-password
word 16 >postgres-password
word 16 >minio-password
printf wharf >minio-user
printf '[default]\naws_access_key_id = wharf\naws_secret_access_key = %s\n' "$(cat minio-password)" >aws-credentials
cat >wharf.toml <<TOML
[server]
public_url = "http://localhost:5000"
trusted_proxies = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]

[database]
url = "postgres://wharf:$(cat postgres-password)@postgres/wharf"

[storage]
url = "s3://wharf"
s3_endpoint = "http://bucket:9000"
TOML
# The nodes run as user 65532, and a mounted secret keeps its owner; the folder lets nobody else in here.
chmod 0444 ./*
