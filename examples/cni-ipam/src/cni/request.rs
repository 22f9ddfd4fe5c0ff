//! What the environment asks for.

use std::collections::BTreeMap;

use super::error::{Code, Error};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Add,
    Del,
    Check,
    Gc,
    Status,
    Version,
}

/// The commands by name, and the version of the specification that brought them.
const COMMANDS: [(&str, Command, &str); 6] = [
    ("ADD", Command::Add, "0.3.0"),
    ("DEL", Command::Del, "0.3.0"),
    ("CHECK", Command::Check, "0.4.0"),
    ("GC", Command::Gc, "1.1.0"),
    ("STATUS", Command::Status, "1.1.0"),
    ("VERSION", Command::Version, "0.3.0"),
];

impl Command {
    pub(super) fn since(self) -> &'static str {
        COMMANDS.iter().find(|(_, command, _)| *command == self).map_or("1.1.0", |(_, _, since)| since)
    }

    fn needs_container(self) -> bool {
        matches!(self, Command::Add | Command::Del | Command::Check)
    }
}

/// A command, and for which container's interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) command: Command,
    pub(super) container: String,
    pub(super) interface: String,
    pub(super) arguments: BTreeMap<String, String>,
}

impl Request {
    /// Reads the variables `CNI_..`.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Request, Error> {
        let value = |name: &str| variable(name).unwrap_or_default();
        let wrong = |name: &str, what: &str| {
            Error::new(Code::Environment, format!("{name}: {what}"), format!("{name}={:?}", value(name)))
        };
        let command = COMMANDS.iter().find(|(name, ..)| *name == value("CNI_COMMAND"));
        let (_, command, _) = command.ok_or_else(|| wrong("CNI_COMMAND", "missing or unknown"))?;
        let (container, interface) = (value("CNI_CONTAINERID"), value("CNI_IFNAME"));
        if command.needs_container() {
            if !is_name(&container) {
                return Err(wrong("CNI_CONTAINERID", "missing or malformed"));
            }
            if !is_interface(&interface) {
                return Err(wrong("CNI_IFNAME", "missing or malformed"));
            }
            if *command != Command::Del && value("CNI_NETNS").is_empty() {
                return Err(wrong("CNI_NETNS", "missing"));
            }
        }
        let mut arguments = BTreeMap::new();
        for pair in value("CNI_ARGS").split(';').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| wrong("CNI_ARGS", "not KEY=VALUE;.."))?;
            arguments.insert(key.to_owned(), value.to_owned());
        }
        Ok(Request { command: *command, container, interface, arguments })
    }
}

/// Whether a text may be the name of a network or the id of a container: it begins with a letter or digit and holds
/// besides those only `_`, `.` and `-`.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.chars().all(|one| one.is_ascii_alphanumeric() || "_.-".contains(one))
}

/// Whether Linux takes a text for the name of an interface.
fn is_interface(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
        && text.len() <= 15
        && !text.contains(|one: char| one == '/' || one == ':' || one.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Request, Error> {
        Request::read(|name| {
            variables.iter().rev().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        })
    }

    const ADD: [(&str, &str); 4] =
        [("CNI_COMMAND", "ADD"), ("CNI_CONTAINERID", "c-1"), ("CNI_IFNAME", "eth0"), ("CNI_NETNS", "/n")];

    #[test]
    fn cni_parameters_are_read() {
        let request = read(&[&ADD[..], &[("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAME=web")]].concat()).unwrap();
        assert_eq!((request.command, request.container.as_str()), (Command::Add, "c-1"));
        assert_eq!(request.arguments["K8S_POD_NAME"], "web");
    }

    #[test]
    fn cni_invalid_environment_variables_are_error_4() {
        let without = |name: &str| ADD.into_iter().filter(|(other, _)| *other != name).collect::<Vec<_>>();
        for name in ["CNI_COMMAND", "CNI_CONTAINERID", "CNI_IFNAME", "CNI_NETNS"] {
            let error = read(&without(name)).unwrap_err();
            assert_eq!(error.code, Code::Environment, "{name}");
            assert!(error.message.starts_with(name), "{}", error.message);
        }
        for (name, value) in [
            ("CNI_COMMAND", "add"),
            ("CNI_CONTAINERID", "-c"),
            ("CNI_CONTAINERID", "a/b"),
            ("CNI_IFNAME", "a-name-of-16-oct"),
            ("CNI_IFNAME", ".."),
            ("CNI_ARGS", "novalue"),
        ] {
            let error = read(&[&ADD[..], &[(name, value)]].concat()).unwrap_err();
            assert_eq!(error.code, Code::Environment, "{name}={value}");
        }
    }

    #[test]
    fn cni_del_needs_no_namespace_and_others_no_container() {
        assert!(read(&[("CNI_COMMAND", "DEL"), ("CNI_CONTAINERID", "c"), ("CNI_IFNAME", "eth0")]).is_ok());
        for command in ["GC", "STATUS", "VERSION"] {
            assert!(read(&[("CNI_COMMAND", command)]).is_ok(), "{command}");
        }
    }
}
