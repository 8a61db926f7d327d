//! Going out by HTTP: certificate authorities, timeouts and the one client builder.
