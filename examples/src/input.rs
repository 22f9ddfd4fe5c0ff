//! Resources and lab facts out of YAML files, with exact messages for what is wrong in them.

use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use bgp_cluster::lab::Lab;
use bgp_cluster::resource::{Header, Resource};
use serde::de::DeserializeSeed;
use serde::{Deserialize, Deserializer};
use serde_path_to_error::{Segment, Track};
use serde_yaml_ng::Value;

/// What is wrong in a file: where, and with which value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// The file.
    pub file: PathBuf,
    /// The field, such as `items[0].spec.cidr`; empty: the file as a whole.
    pub field: String,
    /// The value that stands there, on one line; empty: none.
    pub value: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file.display())?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.problem)?;
        if self.value.is_empty() || self.problem.contains(&self.value) {
            return Ok(());
        }
        write!(f, " (value: {})", self.value)
    }
}

impl std::error::Error for InputError {}

/// Reads files; what a lenient reading passes over is kept in [`Reader::warnings`].
#[derive(Debug, Default)]
pub struct Reader {
    lenient: bool,
    warnings: Vec<InputError>,
}

impl Reader {
    /// A reader for which an unknown field is an error, or with `lenient` a warning.
    #[must_use]
    pub fn new(lenient: bool) -> Reader {
        Reader { lenient, warnings: Vec::new() }
    }

    /// The unknown fields that were passed over.
    #[must_use]
    pub fn warnings(&self) -> &[InputError] {
        &self.warnings
    }

    /// The resources of a file: one or several documents, each a resource or a list of them.
    ///
    /// # Errors
    /// The first thing that is wrong, with file, field and value.
    pub fn resources(&mut self, file: &Path) -> Result<Vec<Resource>, InputError> {
        let mut resources = Vec::new();
        let documents = documents(file)?;
        let several = documents.len() > 1;
        for (number, document) in documents.iter().enumerate() {
            let place = if several { format!("document {}: ", number + 1) } else { String::new() };
            match items_of_any_kind(document) {
                None => resources.extend(self.resource(file, &place, document)?),
                Some(items) => {
                    for (index, item) in items.iter().enumerate() {
                        resources.extend(self.resource(file, &format!("{place}items[{index}]."), item)?);
                    }
                }
            }
        }
        Ok(resources)
    }

    /// The facts of a lab that are in no resource.
    ///
    /// # Errors
    /// As [`Reader::resources`].
    pub fn lab(&mut self, file: &Path) -> Result<Lab, InputError> {
        let documents = documents(file)?;
        match documents.as_slice() {
            [document] => self.read(file, "", document, PhantomData::<Lab>),
            _ => Err(whole(file, format!("{} documents where one is expected", documents.len()))),
        }
    }

    fn resource(&mut self, file: &Path, place: &str, value: &Value) -> Result<Vec<Resource>, InputError> {
        let mut track = Track::new();
        let header = Header::deserialize(serde_path_to_error::Deserializer::new(value, &mut track))
            .map_err(|error| wrong(file, place, value, &keys(&track.path()), &error))?;
        self.read(file, place, value, OfKind(header))
    }

    /// Reads one value; a field that is wrong, or that nobody asked for, is named by its path.
    fn read<'v, S: DeserializeSeed<'v>>(
        &mut self,
        file: &Path,
        place: &str,
        value: &'v Value,
        form: S,
    ) -> Result<S::Value, InputError> {
        let mut track = Track::new();
        let mut unknown: Vec<Vec<String>> = Vec::new();
        let mut note = |path: serde_ignored::Path<'_>| unknown.push(ignored_keys(&path));
        let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
        let outcome = form.deserialize(serde_ignored::Deserializer::new(tracked, &mut note));
        let read = outcome.map_err(|error| wrong(file, place, value, &keys(&track.path()), &error))?;
        for keys in unknown {
            let warning = wrong(file, place, value, &keys, &"unknown field");
            if !self.lenient {
                return Err(warning);
            }
            self.warnings.push(warning);
        }
        Ok(read)
    }
}

/// Reads a resource, or a list of them, of the kind that its header names.
struct OfKind(Header);

impl<'de> DeserializeSeed<'de> for OfKind {
    type Value = Vec<Resource>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Resource>, D::Error> {
        self.0.read(deserializer)
    }
}

fn documents(file: &Path) -> Result<Vec<Value>, InputError> {
    let text = std::fs::read_to_string(file).map_err(|error| whole(file, error.to_string()))?;
    let documents = serde_yaml_ng::Deserializer::from_str(&text)
        .map(Value::deserialize)
        .filter(|document| !matches!(document, Ok(Value::Null)))
        .collect::<Result<Vec<Value>, _>>()
        .map_err(|error| whole(file, error.to_string()))?;
    if documents.is_empty() { Err(whole(file, "no document".into())) } else { Ok(documents) }
}

/// The items of a `kind: List`, which may be of different kinds.
fn items_of_any_kind(document: &Value) -> Option<&Vec<Value>> {
    match (document.get("kind").and_then(Value::as_str), document.get("items")) {
        (Some("List"), Some(Value::Sequence(items))) => Some(items),
        _ => None,
    }
}

fn whole(file: &Path, problem: String) -> InputError {
    InputError { file: file.into(), field: String::new(), value: String::new(), problem }
}

fn wrong(file: &Path, place: &str, value: &Value, keys: &[String], problem: &dyn fmt::Display) -> InputError {
    let mut field = String::from(place);
    let mut found = Some(value);
    for key in keys {
        match key.parse::<usize>() {
            Ok(index) => {
                field.push_str(&format!("[{index}]"));
                found = found.and_then(|value| value.get(index));
            }
            Err(_) => {
                if !field.is_empty() && !field.ends_with('.') {
                    field.push('.');
                }
                field.push_str(key);
                found = found.and_then(|value| value.get(key.as_str()));
            }
        }
    }
    // Of a whole mapping the problem names the field that matters.
    let value = found.filter(|value| !value.is_mapping()).map(one_line).unwrap_or_default();
    InputError { file: file.into(), field: field.trim_end_matches('.').into(), value, problem: problem.to_string() }
}

/// A value on one line: scalars as they are, others as their kind.
fn one_line(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::Sequence(items) => format!("a list of {}", items.len()),
        Value::Mapping(fields) => format!("a mapping of {}", fields.len()),
        Value::Tagged(tagged) => format!("tagged {}", tagged.tag),
    }
}

fn keys(path: &serde_path_to_error::Path) -> Vec<String> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

fn ignored_keys(path: &serde_ignored::Path<'_>) -> Vec<String> {
    use serde_ignored::Path as P;
    match path {
        P::Root => Vec::new(),
        P::Seq { parent, index } => with(parent, index.to_string()),
        P::Map { parent, key } => with(parent, key.clone()),
        P::Some { parent } | P::NewtypeStruct { parent } | P::NewtypeVariant { parent } => ignored_keys(parent),
    }
}

fn with(parent: &serde_ignored::Path<'_>, key: String) -> Vec<String> {
    let mut keys = ignored_keys(parent);
    keys.push(key);
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, lenient: bool) -> (Result<Vec<Resource>, InputError>, Vec<String>) {
        let file = tempfile(text);
        let mut reader = Reader::new(lenient);
        let mut resources = reader.resources(&file);
        if let Err(error) = &mut resources {
            error.file = PathBuf::from("file.yaml");
        }
        let warnings = reader.warnings().iter().map(|warning| format!("{}: {}", warning.field, warning.problem));
        let warnings = warnings.collect();
        std::fs::remove_file(file).unwrap();
        (resources, warnings)
    }

    fn tempfile(text: &str) -> PathBuf {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let file = std::env::temp_dir().join(format!("input-test-{}-{number}.yaml", std::process::id()));
        std::fs::write(&file, text).unwrap();
        file
    }

    fn pool(spec: &str) -> String {
        format!("apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata:\n  name: p\nspec:\n{spec}")
    }

    fn message(text: &str) -> String {
        read(text, false).0.unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_cidr_names_file_field_and_value() {
        let message = message(&pool("  cidr: 10.244.0.0/33\n"));
        assert!(message.starts_with("file.yaml: spec.cidr: "), "{message}");
        assert!(message.contains("10.244.0.0/33"), "{message}");
    }

    #[test]
    fn an_unknown_spec_field_is_an_error_and_a_warning_when_lenient() {
        let text = pool("  cidr: 10.244.0.0/16\n  blokSize: 26\n");
        assert_eq!(message(&text), "file.yaml: spec.blokSize: unknown field (value: 26)");
        let (resources, warnings) = read(&text, true);
        assert_eq!(resources.map(|resources| resources.len()), Ok(1));
        assert_eq!(warnings, ["spec.blokSize: unknown field"]);
    }

    #[test]
    fn server_set_metadata_is_accepted() {
        let text = "apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata:\n  name: p\n  uid: u\n  \
                    resourceVersion: '7'\n  managedFields: [{a: 1}]\nspec:\n  cidr: 10.244.0.0/16\nstatus: {x: 1}\n";
        assert_eq!(read(text, false).0.map(|resources| resources.len()), Ok(1));
    }

    #[test]
    fn a_selector_with_a_syntax_error_names_it() {
        let message = message(&pool("  cidr: 10.244.0.0/16\n  nodeSelector: \"a = 'b'\"\n"));
        assert!(message.starts_with("file.yaml: spec.nodeSelector: "), "{message}");
    }

    #[test]
    fn items_of_a_list_are_named_by_their_place() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: projectcalico.org/v3\n  kind: IPPool\n  \
                    metadata: {name: p}\n  spec: {cidr: nonsense}\n";
        assert!(message(text).starts_with("file.yaml: items[0].spec.cidr: "), "{}", message(text));
    }

    #[test]
    fn yaml_that_is_none_says_where() {
        let message = message("a: [\n");
        assert!(message.starts_with("file.yaml: ") && message.contains("line"), "{message}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Reader::new(false).resources(Path::new("no/such.yaml")).unwrap_err();
        assert!(error.to_string().starts_with("no/such.yaml: "), "{error}");
    }
}
