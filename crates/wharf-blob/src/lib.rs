//! Bytes on local files or memory; resumable uploads; one conformance suite for all.
