//! Keys and signatures that OpenSSL made.

use data_encoding::BASE64;

use super::{PublicKey, PublicKeyError};

const MESSAGE: &[u8] = b"DSSEv1 28 application/vnd.in-toto+json 2 {}";
const RSA: &str = "-----BEGIN PUBLIC KEY-----\n\
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoS8yplXc8KK9sz1qkTUn\n\
Uu3TGKYMFyc+igume/bjPiKcfkezc/bnETFRSUqqPJtSple6V/XQwJSlEkoZFDNz\n\
a3LDUNCOI1bkqRU0PlnyJBEU53JXuDu+Ry7w+nc8N0J+ncb81hnBF+KT9vWxap23\n\
o+WjIy95JrJNzLoFLQSRZZvvX2ea+f9YlSD5IF75QFB2OjBOPbZRlgh355eKD19G\n\
livC9LtW3yQ3aE07fma6XYGnki2Cbslh2rInOvJNNLPiaTJqdDNMlsU/B9g2gZNi\n\
uH5lOFdD39d6DiadnO+xpNjrbh8kZvgDvRQSJiUOU/angE8QhwzvLZSsCvRuF9Iv\n\
FwIDAQAB\n\
-----END PUBLIC KEY-----\n";
const P256: &str = "-----BEGIN PUBLIC KEY-----\n\
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6kJcGQMI9rl7oKkDnokV4K5BTeAb\n\
VspmZfPPo6NvJ2Z/64ThmFvDulQgf4HePAb2BG0Hn/61SM0Rz76yzeItxw==\n\
-----END PUBLIC KEY-----\n";
const P384: &str = "-----BEGIN PUBLIC KEY-----\n\
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEfmKZFHqHEklKQykRBCdMzoFcZPkwZOux\n\
vqpHdl9lKAWIYNClJie+6+gpN/BSiIoABlkKolRVNXPlUbwL6NjVK/E+j6+ttnTu\n\
G6P7WGe6+wQ6he6zJuhINB+ehcYpzlsb\n\
-----END PUBLIC KEY-----\n";
const ED25519: &str = "-----BEGIN PUBLIC KEY-----\n\
MCowBQYDK2VwAyEAi7CBGj4N4aCpCUlBDC0vTnc9ZKBXx1fs1L70vsGbP9M=\n\
-----END PUBLIC KEY-----\n";
const P521: &str = "-----BEGIN PUBLIC KEY-----\n\
MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAAgl+fQ+T34INLyLP4kQOUy7mgIKh\n\
afJmVgEplOR+fdC/+e1vRAehuuc98RFDdcNG+MxqBiOyAlKOhH3t3Vfug5AALjhC\n\
AEA4V90ePgwp6P4wQgA13vUrUPp7ryrkJ2vDbJDSLDi7Ao7AXWWgjaRbRw1NS2B0\n\
Hj6y+RilJ/O5CQ8yY4A=\n\
-----END PUBLIC KEY-----\n";
const BY_RSA: &str = "BdBSG27SzAgg0xZfP9VM1Khky2tfOBcbu2ecABIwFvau5qa1LrMttGWoBjPvhLtt4sKbQnl2DOf88NKIv7lgHuJCc2/UmUSgKCbz\
    DkCcUr+ty6avoPw3Q1pOtvfyq5m2Zejyebv6POQObttY7aRS/2gHaRrgyjMXrHlOfmLJ0awVzXk93/JFS5DFSrGGlDAKlSZzvgnN\
    Y9SW42ssB435TMO0WHI1Y9rWECMGU8YBzLrYN9mzlRKG8jklQXnHIEBTj0DZwtRpEoJKml6GmlNB6TwToNxnu1Y2v22IQYnAfprI\
    NDMI5302JGcDppgvlTAoAAUaGBT9MGaKM1sz/otmgA==";
const BY_RSA_PSS: &str = "VRGn3Xjkg6zBcYhpMnMlsy/W1pT55reakcd0rb4y+dAX3sgC5frMGLqPYFztAc5O6Ks6nRtRqCU8iKQMI6unWHYsvz60Jz7hIeSz\
    /sX+sCpjicq9AqA+FZwlBXEEDDGGE8RNVRqqYRUJ1SgPrQA/xuZGQpqRTa+CJHvVezXmHWZzRG+/MWHeWYexO/MVcqXSYnJ/i69Z\
    qz6DJqVqB0oYK8beHqH/EKZJbNmkpoCVfAkjvKJT07khW9wz9lgonN2HjImnTbmeIFM6suXUPDdqKrXq9LckijZkdb8rHZhkEvrC\
    QWxS+2D0C1DajdXgtYCkR2UsU9+g/OMq24f8yY4cHw==";
const BY_P256: &str =
    "MEUCIQCWuzr+v/kovXsnp/bV4FBqXYiCsFi3qPrdMEjLKs3iUQIgEHIldFp03bQ+noRKF5hR1RbPdKHWHHmGO6xuYSGZ68c=";
const BY_P384: &str = "MGYCMQCDX1kXOcKPF7bZvkOHV1/OdwGKB3mbaLOVxjs0QftbV8z6cS4D+1mTU0YFDTIhqkgCMQCiplbSVVnCs+ltkKf4G9A//2DY\
    hFPalv8j0FCuIG8+0mX5/c8wRzu5c7goRS9v4Uk=";
const BY_P384_SHA256: &str = "MGYCMQDedyDAnF1aS3kSsY/LWGwxgXLfCZNw5gs5RiKiIj9x4QydzdCpx+nBPemXi8qmBxwCMQCKLchWG1xqF7SMnjy9LanYGzJH\
    dJRfp7o8N/Hxwb5AtVDsQ+QNsSYekdn72emcFCc=";
const BY_ED25519: &str = "jYW720BSVyt4wa3SgBPZvXwUPxyKgqimbbTH753P/aZzCSeoFFFneiDr4HVcxXP0Uz1hnNKX+om8skwFmDeSCQ==";

fn key(pem: &str) -> PublicKey {
    pem.parse().expect("a key")
}

#[test]
fn what_openssl_signed_is_verified_by_its_key_alone() {
    let keys = [RSA, P256, P384, ED25519];
    let signatures = [
        (RSA, BY_RSA),
        (RSA, BY_RSA_PSS),
        (P256, BY_P256),
        (P384, BY_P384),
        (P384, BY_P384_SHA256),
        (ED25519, BY_ED25519),
    ];
    for (signer, signature) in signatures {
        let signature = BASE64.decode(signature.as_bytes()).expect("base64");
        for pem in keys {
            assert_eq!(key(pem).is_signed(MESSAGE, &signature), pem == signer, "{pem}");
        }
        assert!(!key(signer).is_signed(b"another message", &signature));
        for at in [0, signature.len() / 2, signature.len() - 1] {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert!(!key(signer).is_signed(MESSAGE, &changed), "{signer} {at}");
        }
        assert!(!key(signer).is_signed(MESSAGE, &signature[1..]) && !key(signer).is_signed(MESSAGE, b""));
    }
}

#[test]
fn a_key_is_written_as_it_was_read() {
    for pem in [RSA, P256, P384, ED25519] {
        assert_eq!(key(pem).to_pem(), pem);
        assert_eq!(key(&pem.replace('\n', "\r\n")), key(pem));
    }
    let raw: [u8; 32] = key(ED25519).key.try_into().expect("32 bytes");
    assert_eq!(PublicKey::ed25519(raw), key(ED25519));
    // `openssl pkey -pubin -outform DER | sha256sum`
    assert_eq!(
        key(P256).fingerprint().to_string(),
        "sha256:f924e1a2012d15bdfa3608869e229827975f5708d2e8e269243411e13715a6d7"
    );
}

#[test]
fn what_is_no_key_is_refused() {
    assert_eq!(P521.parse::<PublicKey>(), Err(PublicKeyError::Algorithm));
    let certificate = ED25519.replace("PUBLIC KEY", "CERTIFICATE");
    let cut = ED25519.replace("MCowBQ", "MCowB");
    let long = "A".repeat(5_000);
    for bad in ["", "ssh-ed25519 AAAA", &certificate, &cut, &long] {
        assert_eq!(bad.parse::<PublicKey>(), Err(PublicKeyError::NotPem), "{bad}");
    }
}
