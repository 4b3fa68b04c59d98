//! Arbitrary text in every field that a person types: the mail is built or refused, and consists of
//! ASCII lines that no server has to change.
#![no_main]

use letsesign_mail::{
    Confirm, Intent, Locale, Origin, Person, Scheme, Task, clean_file_name, is_address, sendgrid, sign_link, zip_name,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let intent = Intent {
        version: text,
        tid: text,
        sid: text,
        index: 0,
        secret: text,
        aux: text,
        locale: text,
        sms: true,
    };
    let _ = sign_link(text, &intent, Scheme::HttpsOrLocalhost);
    let Ok(link) = sign_link("https://example.com/", &intent, Scheme::Https) else {
        panic!("a plain URL is refused");
    };
    assert_eq!(clean_file_name(&clean_file_name(text)), clean_file_name(text));
    assert!(zip_name(text, Some(text)).ends_with(".zip"));
    for (domain, address) in [("example.com", "a@example.com"), (text, "a@example.com"), ("example.com", text)] {
        let mail = Confirm {
            task: Task { domain, task_id: text, file_name: text, locale: Locale::of(text) },
            signer: Person { name: text, address },
            sender: text,
            message: text,
            link: &link,
            phone: Some(text),
            protected: false,
            document: Default::default(),
        }
        .compose();
        let Ok(mail) = mail else { continue };
        assert!(is_address(mail.to()) && is_address(mail.from()));
        // The escaped text contains neither quotes nor angle brackets.
        assert_eq!(mail.html().matches("href=\"").count(), 1);
        assert_eq!(mail.html().matches("<a ").count(), 1);
        let message = mail.to_mime(&Origin { time: 0, random: [0; 16] });
        assert!(message.is_ascii() && message.ends_with(b"--\r\n"));
        for line in message.split(|&byte| byte == b'\n') {
            assert!(line.len() <= 999 && !line.starts_with(b"."));
        }
        assert!(sendgrid::request(&mail, "secret").is_ok());
    }
});
