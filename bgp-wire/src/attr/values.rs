//! Lists of values of one size, as COMMUNITIES and its like carry them.

use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::slice;

/// An infallible iterator over the values of `N` octets that an attribute lists, in its order.
///
/// ```
/// use bgp_wire::attr::Attributes;
/// use bgp_wire::community::Community;
///
/// let attributes = Attributes::from_canonical(&[0xc0, 8, 8, 0xfc, 0, 0, 1, 0xfc, 0, 0, 2])?;
/// let communities = attributes.communities();
/// assert_eq!(communities.len(), 2);
/// assert!(communities.eq([Community::new(64512, 1), Community::new(64512, 2)]));
/// # Ok::<(), bgp_wire::Error>(())
/// ```
#[derive(Debug)]
pub struct Values<'a, T, const N: usize> {
    rest: slice::Iter<'a, [u8; N]>,
    kind: PhantomData<fn() -> T>,
}

impl<'a, T, const N: usize> Values<'a, T, N> {
    /// The values of `octets`; a shorter rest at the end is left out.
    #[inline]
    pub(crate) fn new(octets: &'a [u8]) -> Values<'a, T, N> {
        Values { rest: octets.as_chunks::<N>().0.iter(), kind: PhantomData }
    }

    /// The octets of the values that are still to come.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.rest.as_slice().as_flattened()
    }
}

impl<T, const N: usize> Clone for Values<'_, T, N> {
    fn clone(&self) -> Self {
        Values { rest: self.rest.clone(), kind: PhantomData }
    }
}

impl<T: From<[u8; N]>, const N: usize> Iterator for Values<'_, T, N> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.rest.next().map(|octets| T::from(*octets))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rest.size_hint()
    }
}

impl<T: From<[u8; N]>, const N: usize> DoubleEndedIterator for Values<'_, T, N> {
    fn next_back(&mut self) -> Option<T> {
        self.rest.next_back().map(|octets| T::from(*octets))
    }
}

impl<T: From<[u8; N]>, const N: usize> ExactSizeIterator for Values<'_, T, N> {}
impl<T: From<[u8; N]>, const N: usize> FusedIterator for Values<'_, T, N> {}
