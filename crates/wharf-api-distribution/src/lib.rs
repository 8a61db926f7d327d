//! OCI distribution-spec and the token endpoint: decode, call, encode.
