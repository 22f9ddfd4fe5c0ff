//! Label selectors: text, canonical text, evaluation, bounds.

use ippool::Selector;

/// Sets of labels that selectors are tried on.
const SETS: [&[(&str, &str)]; 6] = [
    &[],
    &[("a", "x")],
    &[("a", "y"), ("b", "")],
    &[("route-reflector", "true"), ("kubernetes.io/hostname", "k8s-node2")],
    &[("rack", "r1"), ("zone", "eu-1"), ("role", "edge")],
    &[("has", "all()"), ("in", "not"), ("all", "global")],
];

/// The input is the text.
///
/// # Panics
/// If the canonical text is refused, means something else or does not settle, or labels match outside of the bounds.
pub fn selector(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let selector = match Selector::parse(text) {
        Ok(selector) => selector,
        Err(error) => {
            assert!(error.offset() <= text.len(), "{error}");
            return assert!(!error.to_string().is_empty());
        }
    };
    let again = parse(selector.as_str());
    let settled = parse(again.as_str());
    assert_eq!(settled, again, "canonical text does not settle");
    let bounds = selector.bounds();
    for labels in SETS {
        let matches = selector.matches(labels);
        assert_eq!(again.matches(labels), matches, "{text:?} on {labels:?}");
        for (label, bound) in bounds.iter().filter(|_| matches) {
            let value = labels.iter().find(|(name, _)| name == label).map(|(_, value)| *value);
            assert!(!bound.is_impossible());
            assert!(if value.is_some() { !bound.absent } else { !bound.present }, "{label} of {text:?}");
            if let Some(values) = &bound.one_of {
                assert!(value.is_some_and(|value| values.contains(value)), "{label} of {text:?}");
            }
        }
    }
    assert_eq!(selector.uses_global(), again.uses_global());
    assert_eq!(selector.id().len(), 40);
}

fn parse(canonical: &str) -> Selector {
    match Selector::parse(canonical) {
        Ok(selector) => selector,
        Err(error) => unreachable!("canonical text is refused: {error}: {canonical:?}"),
    }
}
