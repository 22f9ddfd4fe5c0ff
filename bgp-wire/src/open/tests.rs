//! Tests of OPEN.
