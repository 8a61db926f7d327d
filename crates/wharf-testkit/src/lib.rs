//! Tiny valid images, temporary databases, a fake clock: what tests of several crates need.
