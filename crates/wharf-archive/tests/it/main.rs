//! Archives at their door, on a catalog of its own for each test.

mod fixture;
mod leaving;
mod returning;
