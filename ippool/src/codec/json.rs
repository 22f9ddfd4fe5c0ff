//! JSON text as Go's encoder writes it: no blanks, and `<`, `>`, `&`, U+2028 and U+2029 escaped.

use alloc::string::{String, ToString};

/// Appends the name of an object's next member; the object's `{` must be there.
pub(super) fn member<'t>(name: &str, text: &'t mut String) -> &'t mut String {
    if !text.ends_with('{') {
        text.push(',');
    }
    string(name, text);
    text.push(':');
    text
}

/// Appends a list, or `null` if there is none.
pub(super) fn list<T>(
    items: Option<impl IntoIterator<Item = T>>,
    mut write: impl FnMut(T, &mut String),
    text: &mut String,
) {
    let Some(items) = items else { return text.push_str("null") };
    text.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(item, text);
    }
    text.push(']');
}

/// Appends a map, or `null` if there is none; the caller gives the entries in the octet order of the keys.
pub(super) fn map<'k, T>(
    entries: Option<impl IntoIterator<Item = (&'k str, T)>>,
    mut write: impl FnMut(T, &mut String),
    text: &mut String,
) {
    let Some(entries) = entries else { return text.push_str("null") };
    text.push('{');
    for (key, value) in entries {
        write(value, member(key, text));
    }
    text.push('}');
}

/// Appends a number.
pub(super) fn number(number: u64, text: &mut String) {
    text.push_str(&number.to_string());
}

/// Appends a truth value.
pub(super) fn boolean(value: bool, text: &mut String) {
    text.push_str(if value { "true" } else { "false" });
}

/// Appends a quoted and escaped text.
pub(super) fn string(value: &str, text: &mut String) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '<' | '>' | '&' | '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                text.push_str("\\u");
                for shift in [12, 8, 4, 0] {
                    text.extend(char::from_digit(u32::from(c) >> shift & 0xf, 16));
                }
            }
            _ => text.push(c),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(value: &str) -> String {
        let mut text = String::new();
        string(value, &mut text);
        text
    }

    #[test]
    fn escapes_are_those_of_go() {
        assert_eq!(quoted("a<b>&\u{fc}"), r#""a\u003cb\u003e\u0026ü""#);
        assert_eq!(quoted("\"\\/\n\r\t\u{8}\u{c}"), r#""\"\\/\n\r\t\b\f""#);
        assert_eq!(quoted("\0\u{1f}\u{7f}"), "\"\\u0000\\u001f\u{7f}\"");
        assert_eq!(quoted("\u{2028}\u{2029}\u{1f600}"), "\"\\u2028\\u2029\u{1f600}\"");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let all: String = ('\0'..'\u{3000}').collect();
        assert_eq!(serde_json::from_str::<String>(&quoted(&all)).unwrap(), all);
    }
}
