//! Every operation on secrets, on every type, in clear and on four parties, against Rust's own.

#[macro_use]
mod common;

mod basic;
mod composed;
mod fixed;
mod integers;
mod nested;
mod orders;
mod vectors;
