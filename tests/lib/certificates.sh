#!/bin/sh
# Makes the certificates of the TLS tests in the folder $1 (openssl 3); tests/run.py calls it. None is ever committed.
# strict: everything secp521r1 with SHA-512. field: prime256v1 with SHA-256. Valid 2025-01-01 to 2045-01-01.
set -e
umask 077
mkdir -p "$1"
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/conf" <<'END'
[ca]
default_ca = any
[any]
database = $ENV::WORK/index
rand_serial = yes
policy = policy
unique_subject = no
email_in_dn = no
[policy]
commonName = supplied
organizationName = optional
domainComponent = optional
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[sub]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[server_only]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
[no_ca]
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyCertSign
[no_sign]
basicConstraints = critical, CA:TRUE
keyUsage = critical, cRLSign
[short]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
[agreement]
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyAgreement
[unknown]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
1.3.6.1.4.1.99999.1 = critical, ASN1:NULL
END
export WORK="$work"

# make NAME SUBJECT EXTENSIONS [ISSUER]
make() {
    openssl ecparam -name "$curve" -genkey -noout -out "$work/$1.key"
    openssl req -new -config "$work/conf" -key "$work/$1.key" -subj "$2" -out "$work/$1.csr"
    : > "$work/index"
    if [ -n "$4" ]; then signer="-cert $work/$4.crt -keyfile $work/$4.key"; else signer="-selfsign -keyfile $work/$1.key"; fi
    openssl ca -batch -notext -config "$work/conf" -outdir "$work" -extensions "$3" -md "$md" -in "$work/$1.csr" \
        -startdate 20250101000000Z -enddate 20450101000000Z $signer -out "$work/$1.crt" 2> "$work/log" || { cat "$work/log"; exit 1; }
}

# all PREFIX
all() {
    make v2g_root "/CN=V2GRootCA/O=Test/DC=V2G" root
    make cpo_sub1 "/CN=CPOSubCA1/O=Test/DC=CPO" sub v2g_root
    make cpo_sub2 "/CN=CPOSubCA2/O=Test/DC=CPO" sub cpo_sub1
    make secc "/CN=DE*TST*E1/O=Test/DC=CPO" leaf cpo_sub2
    make oem_root "/CN=OEMRootCA/O=Test/DC=OEM" root
    make oem_sub1 "/CN=OEMSubCA1/O=Test/DC=OEM" sub oem_root
    make oem_sub2 "/CN=OEMSubCA2/O=Test/DC=OEM" sub oem_sub1
    make vehicle "/CN=WMIV1234567890ABCDEX/O=Test/DC=OEM" leaf oem_sub2
    (cd "$work" && cat secc.crt cpo_sub2.crt cpo_sub1.crt) > "$1_secc.pem"
    (cd "$work" && cat vehicle.crt oem_sub2.crt oem_sub1.crt) > "$1_vehicle.pem"
    for name in secc vehicle; do cp "$work/$name.key" "$1_$name.key"; done
    for name in v2g_root oem_root; do cp "$work/$name.crt" "$1_$name.pem"; done
}

curve=prime256v1 md=sha256
all field
curve=secp521r1 md=sha512
all strict
# Vehicles that must be refused.
make purpose "/CN=PURPOSE" server_only oem_sub2
make by_leaf "/CN=BYLEAF" leaf vehicle
make deep3 "/CN=Deep3/O=Test/DC=OEM" sub oem_sub2
make deep4 "/CN=Deep4/O=Test/DC=OEM" sub deep3
make deep "/CN=DEEP" leaf deep4
for what in no_ca no_sign short; do make "${what}_sub" "/CN=$what" "$what" oem_sub1; done
make under "/CN=Under" sub short_sub
make by_no_ca "/CN=BYNOCA" leaf no_ca_sub
make by_no_sign "/CN=BYNOSIGN" leaf no_sign_sub
make by_short "/CN=BYSHORT" leaf under
make agreement "/CN=AGREEMENT" agreement oem_sub2
make unknown "/CN=UNKNOWN" unknown oem_sub2
md=sha256 && make weak "/CN=WEAK" leaf oem_sub2
cd "$work"
cat by_no_ca.crt no_ca_sub.crt oem_sub1.crt > by_no_ca.pem
cat by_no_sign.crt no_sign_sub.crt oem_sub1.crt > by_no_sign.pem
cat by_short.crt under.crt short_sub.crt oem_sub1.crt > by_short.pem
for name in agreement unknown weak; do cat "$name.crt" oem_sub2.crt oem_sub1.crt > "$name.pem"; done
cat purpose.crt oem_sub2.crt oem_sub1.crt > purpose.pem
cat by_leaf.crt vehicle.crt oem_sub2.crt oem_sub1.crt > by_leaf.pem
cat deep.crt deep4.crt deep3.crt oem_sub2.crt oem_sub1.crt > deep.pem
cd - > /dev/null
for name in purpose by_leaf deep by_no_ca by_no_sign by_short agreement unknown weak; do cp "$work/$name.pem" "$work/$name.key" .; done
