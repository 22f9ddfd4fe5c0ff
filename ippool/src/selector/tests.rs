//! Texts that Calico takes and refuses, and selectors made at random against a plain evaluator.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}

fn matches(text: &str, labels: &[(&str, &str)]) -> bool {
    parse(text).matches(labels)
}

/// The bounds as text: `a: present one_of x,y; b: absent`.
fn bounds(text: &str) -> String {
    let selector = parse(text);
    let one = |(label, bound): (&&str, &Bound<'_>)| {
        let mut line = format!("{label}:");
        line.push_str(if bound.present { " present" } else { "" });
        line.push_str(if bound.absent { " absent" } else { "" });
        if let Some(values) = &bound.one_of {
            line.push_str(" one_of ");
            line.push_str(&values.iter().copied().collect::<Vec<_>>().join(","));
        }
        line
    };
    selector.bounds().iter().map(one).collect::<Vec<_>>().join("; ")
}

#[test]
fn calico_3_canonical_text() {
    for (text, canonical) in [
        ("", "all()"),
        (" \t ", "all()"),
        ("all( )", "all()"),
        ("global(\t)", "global()"),
        ("has( x/y.z_w-1 )", "has(x/y.z_w-1)"),
        ("a=='b'", r#"a == "b""#),
        ("a != '\"'", "a != '\"'"),
        ("a == \"it's\"", "a == \"it's\""),
        ("a == '\u{e4}\n'", "a == \"\u{e4}\n\""),
        ("a startswith '\"'", "a starts with '\"'"),
        ("a starts\t with'x'", r#"a starts with "x""#),
        ("a endswith 'x'", r#"a ends with "x""#),
        ("a contains\"x\"", r#"a contains "x""#),
        ("a in {'z','b','z',}", r#"a in {"b", "z"}"#),
        ("a in{}", "a in {}"),
        ("a notin { 'x' }", r#"a not in {"x"}"#),
        ("a not \t in {'\"', 'b'}", "a not in {'\"', \"b\"}"),
        ("((a == 'b'))", r#"a == "b""#),
        ("!!!has(a)", "!has(a)"),
        ("! ! has(a)", "has(a)"),
        ("!a == 'b'", r#"!a == "b""#),
        ("!(a == 'b')", r#"!a == "b""#),
        ("!(!has(a))", "!!has(a)"),
        ("! (has( b)||! has(a ))", "!(has(b) || !has(a))"),
        ("a == 'b' || c == 'd' && e == 'f'", r#"(a == "b" || (c == "d" && e == "f"))"#),
        ("(a=='b'&&c=='d')&&e!='f'", r#"((a == "b" && c == "d") && e != "f")"#),
        ("has(a)&&has(b)&&has(c)||has(d)||has(e)", "((has(a) && has(b) && has(c)) || has(d) || has(e))"),
        ("(has(a)||has(b))&&!(has(c)&&has(d))", "((has(a) || has(b)) && !(has(c) && has(d)))"),
        // Words are labels where an operand is due.
        ("in in {'in'}", r#"in in {"in"}"#),
        ("not not in {'not'}", r#"not not in {"not"}"#),
        ("contains contains 'contains'", r#"contains contains "contains""#),
        ("starts starts with 'x'", r#"starts starts with "x""#),
        ("has == 'x' || all != 'x' && global in {'x'}", r#"(has == "x" || (all != "x" && global in {"x"}))"#),
        ("has(has)", "has(has)"),
    ] {
        assert_eq!(parse(text).to_string(), canonical, "{text:?}");
    }
}

#[test]
fn calico_3_refused_texts_with_kind_and_offset() {
    use ErrorKind::*;
    for (text, kind, offset) in [
        ("!", ExpectedOperand, 1),
        (")", ExpectedOperand, 0),
        ("()", ExpectedOperand, 1),
        ("\n", ExpectedOperand, 0),
        ("'b1' == b", ExpectedOperand, 0),
        ("\u{e4} == 'b'", ExpectedOperand, 0),
        ("&& a == 'b'", ExpectedOperand, 0),
        ("a == 'b' && %", ExpectedOperand, 12),
        ("a == 'b' && || c == 'd'", ExpectedOperand, 12),
        ("a == 'b' &&& c == 'd'", ExpectedOperand, 11),
        ("a", ExpectedOperator, 1),
        ("a = 'b'", ExpectedOperator, 2),
        ("a has(b)", ExpectedOperator, 2),
        ("has (a)", ExpectedOperator, 4),
        ("a starts 'b'", ExpectedOperator, 2),
        ("a not {'b'}", ExpectedOperator, 2),
        ("b == b", ExpectedString, 5),
        ("foo != ||", ExpectedString, 7),
        ("a containsx 'b'", ExpectedString, 10),
        ("a inx {'b'}", ExpectedSet, 4),
        ("a in 'b'", ExpectedSet, 5),
        ("a in {,}", ExpectedSetEnd, 6),
        ("a in {'b' 'c'}", ExpectedSetEnd, 10),
        ("a in {'b'", ExpectedSetEnd, 9),
        ("a in {'b',,}", ExpectedSetEnd, 10),
        ("has()", ExpectedLabel, 4),
        ("has('a')", ExpectedLabel, 4),
        ("has(a", ExpectedClose, 5),
        ("has(a b)", ExpectedClose, 6),
        ("all(a)", ExpectedClose, 4),
        ("\"FOO'", ExpectedOperand, 0),
        ("a == 'FOO", UnterminatedString, 9),
        ("a in {'b", UnterminatedString, 8),
        ("(a == \"foo\"", ExpectedJoin, 11),
        ("a == 'b' c == 'd'", ExpectedJoin, 9),
        ("a == 'b'\n", ExpectedJoin, 8),
        ("has(a) & has(b)", ExpectedJoin, 7),
        ("has(a) | has(b)", ExpectedJoin, 7),
        ("a == 'b')", UnmatchedClose, 8),
    ] {
        assert_eq!(Selector::parse(text), Err(Error::new(kind, offset)), "{text:?}");
    }
}

#[test]
fn error_texts() {
    let error = |kind| Error::new(kind, 7).to_string();
    assert_eq!(error(ErrorKind::TooLong), "selector longer than 1048576 octets at octet 7");
    assert_eq!(error(ErrorKind::TooDeep), "more than 1024 nested parentheses at octet 7");
    assert_eq!(error(ErrorKind::LabelTooLong), "label longer than 512 octets at octet 7");
    assert_eq!(error(ErrorKind::ExpectedOperand), "expected a label, a function or ( at octet 7");
    assert_eq!(error(ErrorKind::ExpectedOperator), "expected == or != or a comparison word at octet 7");
    assert_eq!(error(ErrorKind::ExpectedString), "expected a quoted value at octet 7");
    assert_eq!(error(ErrorKind::ExpectedSet), "expected { at octet 7");
    assert_eq!(error(ErrorKind::ExpectedSetEnd), "expected a quoted value or } at octet 7");
    assert_eq!(error(ErrorKind::ExpectedLabel), "expected a label at octet 7");
    assert_eq!(error(ErrorKind::ExpectedClose), "expected ) at octet 7");
    assert_eq!(error(ErrorKind::UnterminatedString), "unterminated quoted value at octet 7");
    assert_eq!(error(ErrorKind::ExpectedJoin), "expected && or || or ) at octet 7");
    assert_eq!(error(ErrorKind::UnmatchedClose), "unmatched ) at octet 7");
}

#[test]
fn limits_are_exact() {
    let nested = |depth: usize| format!("{}has(a){}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(parse(&nested(MAX_DEPTH)).as_str(), "has(a)");
    assert_eq!(Selector::parse(&nested(MAX_DEPTH + 1)), Err(Error::new(ErrorKind::TooDeep, MAX_DEPTH)));

    let label = "l".repeat(MAX_LABEL);
    assert!(parse(&format!("has({label})")).matches(&[(&label, "")]));
    assert_eq!(Selector::parse(&format!("has({label}l)")), Err(Error::new(ErrorKind::LabelTooLong, 4)));
    assert_eq!(Selector::parse(&format!("{label}l == 'x'")), Err(Error::new(ErrorKind::LabelTooLong, 0)));

    let long = format!("a == '{}'", "x".repeat(MAX_LENGTH - 7));
    assert_eq!(parse(&long).as_str().len(), MAX_LENGTH);
    assert_eq!(Selector::parse(&format!("{long} ")), Err(Error::new(ErrorKind::TooLong, MAX_LENGTH)));
}

#[test]
fn long_inputs_stay_cheap() {
    let many = |part: &str, join: &str, count| alloc::vec![part; count].join(join);
    let either = parse(&many("a=='x'", "||", 100_000));
    assert!(either.matches(&[("a", "x")]) && !either.matches(&[("a", "y")]));
    assert_eq!(either.bounds()["a"].one_of.as_ref().unwrap().len(), 1);
    assert_eq!(parse(&format!("{}has(a)", "!".repeat(1_000_000))).as_str(), "has(a)");
    assert!(Selector::parse(&"(".repeat(MAX_LENGTH)).is_err());
    assert!(Selector::parse(&"has(a)&&".repeat(100_000)).is_err());
    // A wide operand under many joins: the bounds of the wide one are not copied at each.
    let wide: Vec<String> = (0..10_000).map(|n| format!("has(l{n})")).collect();
    let deep = format!("{}{}{}", "(has(x)&&".repeat(1_000), wide.join("&&"), ")".repeat(1_000));
    assert_eq!(parse(&deep).bounds().len(), 10_001);
}

#[test]
fn calico_3_evaluation() {
    assert!(matches("", &[]));
    assert!(matches("a == 'b'", &[("a", "b")]));
    assert!(!matches("a == 'b'", &[("a", "B")]));
    assert!(!matches("a == ''", &[]));
    assert!(matches("a == ''", &[("a", "")]));
    assert!(matches("a != 'b'", &[]));
    assert!(matches("a not in {'b'}", &[("b", "b")]));
    assert!(!matches("a not in {'b'}", &[("a", "b")]));
    assert!(matches("a not in {}", &[("a", "b")]));
    assert!(!matches("a in {}", &[("a", "")]));
    assert!(matches("a in {'b', 'c'}", &[("a", "c")]));
    assert!(!matches("a in {'b', 'c'}", &[]));
    assert!(matches("a contains 'bc'", &[("a", "abcd")]));
    assert!(!matches("a contains 'bc'", &[("a", "bdc")]));
    assert!(!matches("a contains ''", &[]));
    assert!(!matches("a starts with 'ab'", &[("a", "xab")]));
    assert!(matches("a ends with 'ab'", &[("a", "xab")]));
    assert!(!matches("!a == 'b'", &[("a", "b")]));
    assert!(matches("!a == 'b'", &[]));
    assert!(!matches("!(!has(a) || has(b))", &[("a", "a"), ("b", "")]));
    assert!(matches("!(!has(a))", &[("a", "")]));
    assert!(matches("has(a) && has(b) || has(c)", &[("c", "")]));
    assert!(!matches("has(a) && (has(b) || has(c))", &[("c", "")]));
}

#[test]
fn calico_3_bounds() {
    for (text, wanted) in [
        ("", ""),
        ("global()", ""),
        ("a == 'b'", "a: present one_of b"),
        ("a in {'d','c'}", "a: present one_of c,d"),
        ("a contains 'x'", "a: present"),
        ("a != 'b'", ""),
        ("a not in {'b'}", ""),
        // An empty set literal bounds no value, an empty intersection does.
        ("a in {}", "a: present"),
        ("a == 'v1' && a == 'v2'", "a: present one_of "),
        ("a in {'v1','v2'} && a in {'v2','v3'}", "a: present one_of v2"),
        ("a == 'v1' && has(a) && has(b)", "a: present one_of v1; b: present"),
        ("has(a) && !has(a)", "a: present absent"),
        ("a == 'v1' || a == 'v2'", "a: present one_of v1,v2"),
        ("a == 'v1' || has(a)", "a: present"),
        ("a == 'v1' || has(b)", ""),
        ("a=='v2' || (has(b) && has(a))", "a: present"),
        ("a == 'x' || all()", ""),
        ("!has(a) || !has(a) && has(b)", "a: absent"),
        ("!has(a) || has(a)", ""),
        ("(a == 'x' && a == 'y') || a == 'z'", "a: present one_of z"),
        ("!!has(a)", "a: present"),
        ("!(a == 'value')", ""),
        ("!(has(a) && has(a))", ""),
        ("!(!has(a))", ""),
    ] {
        assert_eq!(bounds(text), wanted, "{text:?}");
    }
}

#[cfg(feature = "json")]
#[test]
fn calico_3_identifiers() {
    for (text, id) in [
        ("", "s:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug"),
        ("a == ''", "s:eKfdFJbAF5Xg5k6WX9C09dMzhMPbZErhhP07gg"),
        ("a not in {}", "s:Bg4ONC7zmSROAdxwdGHq4RKf_s32O173Jm-mjA"),
        ("! (has( b)||! has(a ))", "s:Iss0uCleLYv1GSv_pNm7hAO58kE9jAx1NKyG3Q"),
        ("a startswith '\"'", "s:GFHnBeqqjbJhHYVKPe8o3ynWgZqEY5QxsO2HIw"),
        ("a == 'b' || c == 'd' && e == 'f'", "s:S-qCSUXi1P0ft42eE8dHG6vx6ub86WkArSBbTw"),
        ("a in {'v1','v2'} && a in {'v2','v3'}", "s:PfpzZTxRTQfwtq1cAcpxbck25I8HpB4OBVAjOA"),
    ] {
        assert_eq!(parse(text).id(), id, "{text:?}");
    }
}

#[cfg(feature = "json")]
#[test]
fn serde_form_is_the_canonical_text() {
    let selector: Selector = serde_json::from_str(r#""a=='x'""#).unwrap();
    assert_eq!(serde_json::to_string(&selector).unwrap(), r#""a == \"x\"""#);
    let error = serde_json::from_str::<Selector>(r#""a=""#).unwrap_err().to_string();
    assert!(error.contains("expected == or != or a comparison word at octet 1"), "{error}");
}

#[test]
fn labels_come_from_maps_lists_and_nothing() {
    let selector = parse("a == 'x'");
    let map: BTreeMap<String, String> = BTreeMap::from([("a".to_owned(), "x".to_owned())]);
    assert!(selector.matches(&map));
    assert!(selector.matches(&&map));
    assert!(selector.matches(&Some(&map)));
    assert!(!selector.matches(&None::<BTreeMap<String, String>>));
    assert!(selector.matches(&alloc::vec![("a", "x"), ("a", "y")]), "the first of a name counts");
    #[cfg(feature = "std")]
    assert!(selector.matches(&std::collections::HashMap::from([("a", "x")])));
    assert!(!selector.matches(&()));
    assert!(Selector::default().matches(&()));
    assert!(parse("has(a) && !global()").uses_global());
    assert!(!selector.uses_global());
}

/// An expression as a plain tree.
#[derive(Clone, Debug)]
enum Tree {
    Leaf { text: String, label: usize, test: fn(&str, &str) -> bool, value: String, missing: bool },
    Not(Box<Tree>),
    And(Vec<Tree>),
    Or(Vec<Tree>),
}

const LABELS: [&str; 3] = ["a", "in", "x/y.z"];

impl Tree {
    fn holds(&self, labels: &[Option<String>; 3]) -> bool {
        match self {
            Self::Leaf { label, test, value, missing, .. } => {
                labels[*label].as_deref().map_or(*missing, |have| test(have, value))
            }
            Self::Not(inner) => !inner.holds(labels),
            Self::And(parts) => parts.iter().all(|part| part.holds(labels)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(labels)),
        }
    }

    /// With every group in parentheses, and blanks of different widths.
    fn text(&self, blank: &str) -> String {
        let join = |parts: &[Self], operator: &str| {
            let parts: Vec<String> = parts.iter().map(|part| part.text(blank)).collect();
            format!("({blank}{}{blank})", parts.join(&format!("{blank}{operator}{blank}")))
        };
        match self {
            Self::Leaf { text, .. } => text.clone(),
            Self::Not(inner) => format!("!{blank}{}", inner.text(blank)),
            Self::And(parts) => join(parts, "&&"),
            Self::Or(parts) => join(parts, "||"),
        }
    }
}

/// The form of a test, how it compares, and what it says of a missing label.
type Form = (&'static str, fn(&str, &str) -> bool, bool);

fn leaf() -> impl Strategy<Value = Tree> {
    let forms: [Form; 10] = [
        ("all()", |_, _| true, true),
        ("has(L)", |_, _| true, false),
        ("L=='V'", |have, value| have == value, false),
        ("L != \"V\"", |have, value| have != value, true),
        ("L contains 'V'", |have, value| have.contains(value), false),
        ("L startswith 'V'", |have, value| have.starts_with(value), false),
        ("L ends with 'V'", |have, value| have.ends_with(value), false),
        ("L in {'V','q'}", |have, value| have == value || have == "q", false),
        ("L notin {'q' ,'V',}", |have, value| have != value && have != "q", true),
        ("L in {}", |_, _| false, false),
    ];
    (0..forms.len(), 0..LABELS.len(), "[pq]{0,2}").prop_map(move |(form, label, value)| {
        let (text, test, missing) = forms[form];
        let text = text.replace('L', LABELS[label]).replace('V', &value);
        Tree::Leaf { text, label, test, value, missing }
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    leaf().prop_recursive(6, 40, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Tree::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Tree::And),
            prop::collection::vec(inner, 1..4).prop_map(Tree::Or),
        ]
    })
}

fn pairs(labels: &[Option<String>; 3]) -> Vec<(&'static str, &str)> {
    LABELS.iter().zip(labels).filter_map(|(label, value)| Some((*label, value.as_deref()?))).collect()
}

proptest! {
    #[test]
    fn evaluation_agrees_with_the_plain_tree(
        tree in tree(),
        blank in "[ \t]{0,2}",
        labels in prop::array::uniform3(prop::option::of("[pq]{0,2}")),
    ) {
        let selector = parse(&tree.text(&blank));
        prop_assert_eq!(selector.matches(&pairs(&labels)), tree.holds(&labels), "{}", selector);
    }

    #[test]
    fn canonical_text_keeps_meaning_and_bounds_hold(
        tree in tree(),
        labels in prop::array::uniform3(prop::option::of("[pq]{0,2}")),
    ) {
        let selector = parse(&tree.text(" "));
        let again = parse(selector.as_str());
        let labels = pairs(&labels);
        prop_assert_eq!(again.matches(&labels), selector.matches(&labels));
        if !selector.as_str().contains("!!") {
            prop_assert_eq!(again.as_str(), selector.as_str());
        }
        // Read once more it no longer changes at all.
        let settled = parse(&again.to_string());
        prop_assert_eq!(settled.as_str(), again.as_str());
        if selector.matches(&labels) {
            for (label, bound) in selector.bounds() {
                let value = labels.as_slice().label(label);
                prop_assert!(!bound.present || value.is_some());
                prop_assert!(!bound.absent || value.is_none());
                prop_assert!(bound.one_of.is_none_or(|values| values.contains(value.unwrap())));
            }
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused_inside_it(
        parts in prop::collection::vec(
            prop::sample::select(&[
                "a", "has(", "all()", "global(", "(", ")", "!", "==", "!=", "'x'", "\"", "'", "{", "}", ",", " ", "&&",
                "||", "&", "in", "not", "starts", "with", "contains", "\t", "\n", "\u{e4}",
            ][..]),
            0..12,
        ),
    ) {
        let text = parts.concat();
        match Selector::parse(&text) {
            Ok(selector) => {
                let again = Selector::parse(selector.as_str()).map(|again| again.matches(&()));
                prop_assert_eq!(again, Ok(selector.matches(&())));
            }
            Err(error) => prop_assert!(error.offset() <= text.len()),
        }
    }
}
