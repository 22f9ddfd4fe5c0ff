//! Tests of the capability values.
