use super::*;
use crate::samples::{REQUEST, configuration, header, link_keys, root};
use serde_json::Value;

fn url(change: impl Fn(&mut Configuration, &mut Request)) -> Result<String> {
    let (mut configuration, mut request) = (configuration(), REQUEST);
    change(&mut configuration, &mut request);
    let keys = link_keys();
    let link = Link {
        configuration: &configuration,
        task: header().task,
        request,
        por: Hash([7; 32]),
        expiry: header().expiry,
        keys: &keys,
        answer_key: &root().answer_keys(&REQUEST).unwrap().public,
    };
    link.to_url(Scheme::Https)
        .map(|link| link.as_str().to_owned())
}

fn members(url: &str) -> Value {
    let (page, content) = url.split_once("#letsesign2=").unwrap();
    assert_eq!(page, "https://sign.example.com/");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(content).unwrap()).unwrap()
}

#[test]
fn the_fragment_says_all_that_the_page_shows() {
    let url = url(|_, _| {}).unwrap();
    let members = members(&url);
    let (_, content) = url.split_once('=').unwrap();
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(content).unwrap()).unwrap();
    let start = format!(
        "{{\"protocol\":2,\"task\":\"{}\",\"binding\":\"{}\",",
        header().task,
        REQUEST.binding
    );
    assert!(text.starts_with(&start), "{text}");
    assert!(text.ends_with(
        r#""domain":"example.com","fileName":"contract.pdf","locale":"en-US","pin":true}"#
    ));
    let key = URL_SAFE_NO_PAD
        .decode(members["key"].as_str().unwrap())
        .unwrap();
    let pair = KeyPair::from_scalar(key.as_slice().try_into().unwrap()).unwrap();
    assert_eq!(pair.public, link_keys().public);
    assert_eq!(members["publicKey"], URL_SAFE_NO_PAD.encode(pair.public));
    assert_eq!(
        (&members["signer"], &members["round"]),
        (&1.into(), &2.into())
    );
    assert_eq!(members["expiry"], header().expiry);
}

#[test]
fn a_pin_is_asked_for_where_there_is_a_phone_number() {
    let first = url(|_, request| request.signer = 0).unwrap();
    assert_eq!(members(&first)["pin"], false);
}

#[test]
fn a_signer_that_the_task_lacks_gets_no_link() {
    let found = url(|_, request| request.signer = 2);
    assert!(matches!(found, Err(Error::Mismatch(_))));
}

#[test]
fn a_page_is_an_https_url_without_query_and_fragment() {
    let check = |page: &str| check_page(page, Scheme::Https);
    let long = |length: usize| format!("https://a.example/{}", "p".repeat(length - 18));
    for good in [
        "https://a.example",
        "https://a.example:65535/a/b",
        &long(1024),
    ] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for bad in [
        "https://a.example/?",
        "https://a.example/#",
        "https://u@a.example/",
        "https://a.example:0/",
        "https://a.example:65536/",
        "https://localhost/",
        "https://192.0.2.1/",
        "http://a.example/",
        "//a.example/",
        "https://a.example/a b",
        "https://a.example/\"",
        "https://ü.example/",
        "",
        &long(1025),
    ] {
        assert_eq!(check(bad), Err(Error::Page), "{bad}");
        let found = url(|configuration, _| configuration.signer_page = bad.to_owned());
        assert_eq!(found, Err(Error::Page), "{bad}");
    }
}
