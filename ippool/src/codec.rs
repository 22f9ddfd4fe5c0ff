//! Calico's stored form: etcd keys and JSON values, resource names and labels.

mod base;

pub(crate) use base::base64_url;
