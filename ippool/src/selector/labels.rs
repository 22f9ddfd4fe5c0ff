//! What selectors look labels up in.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::borrow::Borrow;

use super::same;

/// A set of labels: at most one value for each name.
///
/// Implemented for maps, for lists of pairs (the first pair of a name counts) and for `()`, which has no labels.
///
/// # Examples
///
/// ```
/// use ippool::selector::{Labels, Selector};
///
/// struct Node(&'static str);
///
/// impl Labels for Node {
///     fn label(&self, name: &str) -> Option<&str> {
///         (name == "kubernetes.io/hostname").then_some(self.0)
///     }
/// }
///
/// let selector = Selector::parse("kubernetes.io/hostname == 'node1'")?;
/// assert!(selector.matches(&Node("node1")));
/// assert!(!selector.matches(&()));
/// # Ok::<(), ippool::selector::Error>(())
/// ```
pub trait Labels {
    /// The value of a label, if the label is there.
    fn label(&self, name: &str) -> Option<&str>;
}

impl Labels for () {
    fn label(&self, _: &str) -> Option<&str> {
        None
    }
}

impl<L: Labels + ?Sized> Labels for &L {
    fn label(&self, name: &str) -> Option<&str> {
        (**self).label(name)
    }
}

impl<L: Labels> Labels for Option<L> {
    /// `None` has no labels.
    fn label(&self, name: &str) -> Option<&str> {
        self.as_ref()?.label(name)
    }
}

impl<K: Borrow<str> + Ord, V: AsRef<str>> Labels for BTreeMap<K, V> {
    fn label(&self, name: &str) -> Option<&str> {
        self.get(name).map(AsRef::as_ref)
    }
}

#[cfg(feature = "std")]
impl<K, V, S> Labels for std::collections::HashMap<K, V, S>
where
    K: Borrow<str> + Eq + core::hash::Hash,
    V: AsRef<str>,
    S: core::hash::BuildHasher,
{
    fn label(&self, name: &str) -> Option<&str> {
        self.get(name).map(AsRef::as_ref)
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Labels for [(K, V)] {
    fn label(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| same(key.as_ref(), name)).map(|(_, value)| value.as_ref())
    }
}

impl<K: AsRef<str>, V: AsRef<str>, const N: usize> Labels for [(K, V); N] {
    fn label(&self, name: &str) -> Option<&str> {
        self.as_slice().label(name)
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Labels for Vec<(K, V)> {
    fn label(&self, name: &str) -> Option<&str> {
        self.as_slice().label(name)
    }
}
