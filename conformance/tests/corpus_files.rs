//! Every compressed file of the corpus is unpacked, and every message of it has the form that its README says.

use conformance::corpus::Corpus;

#[test]
fn every_compressed_file_is_unpacked() {
    let Some(corpus) = Corpus::for_test("every_compressed_file_is_unpacked") else { return };
    let mut octets = 0;
    for folder in ["messages", "mrt", "streams", "tables"] {
        for file in corpus.files(folder).unwrap().iter().filter(|file| file.ends_with(".zst")) {
            let unpacked = corpus.read(&format!("{folder}/{file}")).unwrap();
            assert!(!unpacked.is_empty(), "{file}");
            octets += unpacked.len();
        }
    }
    println!("{octets} octets");
}

#[test]
fn every_message_has_the_form_of_the_readme() {
    let Some(corpus) = Corpus::for_test("every_message_has_the_form_of_the_readme") else { return };
    let messages = corpus.messages().unwrap();
    assert!(messages.len() > 1000);
    for message in &messages {
        assert_eq!(message.id.len(), 20);
        assert!(!message.sources.is_empty(), "{}", message.id);
        assert!(message.truncated || message.octets.len() <= message.declared_len, "{}", message.id);
    }
    println!("{} messages", messages.len());
}
