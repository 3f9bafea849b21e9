use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use super::{MAX_ANSWER_BYTES, WebhookAddress, WebhookClient, WebhookMessage, WebhookSecret};
use crate::error::SourceError;

const MESSAGE: WebhookMessage<'static> =
    WebhookMessage { id: "msg_1", sent_at: 1_614_265_330, body: br#"{"a":1}"# };

fn secret() -> WebhookSecret {
    WebhookSecret::new([7; 32])
}

/// Answers one request with `answer`; returns what was asked.
fn receiver(answer: &'static [u8]) -> (WebhookAddress, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut asked = String::new();
        while !asked.ends_with("\r\n\r\n") {
            reader.read_line(&mut asked).unwrap();
        }
        let mut body = vec![0; MESSAGE.body.len()];
        reader.read_exact(&mut body).unwrap();
        // The client need not read all of it.
        let _ = stream.write_all(answer);
        asked + &String::from_utf8(body).unwrap()
    });
    (WebhookAddress::parse(&address).unwrap(), thread)
}

#[test]
fn only_https_and_loopback_addresses_are_taken() {
    for text in ["https://example.com/hook?a=b", "http://127.0.0.1:9/", "http://[::1]:9/"] {
        assert_eq!(WebhookAddress::parse(text).unwrap().as_str(), text);
    }
    let private = ["https://10.0.0.1/", "https://[fd00::1]/", "https://127.0.0.1/"];
    assert!(private.into_iter().all(|text| WebhookAddress::parse(text).is_ok()));
    let refused = [
        "https://169.254.169.254/latest",
        "https://[fe80::1]/",
        "https://100.100.100.200/",
        "https://[::ffff:169.254.169.254]/",
        "http://example.com/",
        "http://10.0.0.1/",
        "http://hooks.localhost/",
        "https://hooks.localhost./",
        "ftp://example.com/",
        "https://a:b@example.com/",
        "https://example.com/#part",
    ];
    for text in refused {
        let error = WebhookAddress::parse(text).unwrap_err();
        assert!(matches!(error, SourceError::ForbiddenAddress { .. }), "{text}: {error}");
    }
    let long = format!("https://example.com/{}", "a".repeat(3_000));
    for text in ["no address", long.as_str()] {
        assert!(matches!(WebhookAddress::parse(text), Err(SourceError::Malformed { .. })));
    }
}

#[test]
fn secrets_are_read_as_they_are_written_and_never_shown() {
    let text = secret().expose();
    assert_eq!(WebhookSecret::parse(&text).unwrap(), secret());
    assert_eq!(format!("{:?}", secret()), "***");
    for text in ["", "whsec_", "whsec_AAAA", "whsec_!", &text["whsec_".len()..]] {
        let error = WebhookSecret::parse(text).unwrap_err().to_string();
        assert!(error.contains("whsec_ and 24 to 64 bytes"), "{error}");
    }
}

#[test]
fn the_signature_covers_id_time_and_body() {
    // Computed by Python: hmac.new(bytes([7] * 32), b'msg_1.1614265330.{"a":1}', sha256).
    let expected = "msJ2Az1Qy8kMjwuvkeK90JarUwpqFGH0hHfkaJBv2gg=";
    assert_eq!(secret().sign(&MESSAGE), format!("v1,{expected}"));
    let others = [
        WebhookMessage { id: "msg_2", ..MESSAGE },
        WebhookMessage { sent_at: 1, ..MESSAGE },
        WebhookMessage { body: b"{}", ..MESSAGE },
    ];
    for other in others {
        assert_ne!(secret().sign(&other), secret().sign(&MESSAGE));
    }
}

#[tokio::test]
async fn a_message_carries_its_id_time_and_signature() {
    let (address, thread) = receiver(b"HTTP/1.1 204 No Content\r\n\r\n");
    WebhookClient::new("").unwrap().send(&address, &[secret()], &MESSAGE).await.unwrap();
    let asked = thread.join().unwrap();
    assert!(asked.starts_with("POST /hook HTTP/1.1\r\n"), "{asked}");
    let signature = secret().sign(&MESSAGE);
    for line in [
        "content-type: application/json",
        "webhook-id: msg_1",
        "webhook-timestamp: 1614265330",
        &format!("webhook-signature: {signature}"),
    ] {
        assert!(asked.contains(&format!("{line}\r\n")), "{line} in {asked}");
    }
    assert!(asked.ends_with(r#"{"a":1}"#));
}

#[tokio::test]
async fn whatever_is_no_success_is_refused_and_no_redirect_is_followed() {
    let answers: [(&[u8], u16, &str); 2] = [
        (b"HTTP/1.1 500 No\r\ncontent-length: 4\r\n\r\nbusy", 500, ": busy"),
        (
            b"HTTP/1.1 302 There\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            302,
            "",
        ),
    ];
    for (answer, expected, words) in answers {
        let (address, thread) = receiver(answer);
        let sent = WebhookClient::new("").unwrap().send(&address, &[secret()], &MESSAGE).await;
        match sent.unwrap_err() {
            SourceError::Refused { status, message, .. } => {
                assert_eq!((status, message.as_str()), (expected, words));
            }
            other => panic!("{other}"),
        }
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let address = WebhookAddress::parse(&format!("https://localhost:{port}/")).unwrap();
    // As if the name were another one that leads there.
    let client = WebhookClient::with_local_names("", &["other"]).unwrap();
    let error = client.send(&address, &[secret()], &MESSAGE).await.unwrap_err();
    assert!(matches!(error, SourceError::ForbiddenAddress { .. }), "{error:?}");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody came");
}

#[tokio::test]
async fn localhost_is_connected_to() {
    let (address, thread) = receiver(b"HTTP/1.1 204 No Content\r\n\r\n");
    let named = address.as_str().replace("127.0.0.1", "localhost");
    let address = WebhookAddress::parse(&named).unwrap();
    WebhookClient::new("").unwrap().send(&address, &[secret()], &MESSAGE).await.unwrap();
    assert!(thread.join().unwrap().starts_with("POST /hook"));
}

#[tokio::test]
async fn every_secret_signs() {
    let (address, thread) = receiver(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let old = WebhookSecret::new([8; 32]);
    let secrets = [secret(), old.clone()];
    WebhookClient::new("").unwrap().send(&address, &secrets, &MESSAGE).await.unwrap();
    let both = format!("{} {}", secret().sign(&MESSAGE), old.sign(&MESSAGE));
    assert!(thread.join().unwrap().contains(&format!("webhook-signature: {both}\r\n")));
}

#[tokio::test]
async fn an_answer_may_say_when_to_try_again() {
    let at = tallyman_model::clock::parse_http_date("Tue, 25 Feb 2014 15:02:10 GMT");
    assert!(at.is_some_and(|at| at / 1_000 < MESSAGE.sent_at), "a date that is over");
    let answers: [(&[u8], Option<u64>); 5] = [
        (b"HTTP/1.1 429 No\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n", Some(120)),
        (
            b"HTTP/1.1 503 No\r\nretry-after: Thu, 25 Feb 2021 15:03:10 GMT\r\ncontent-length: 0\r\n\r\n",
            Some(1_614_265_390 - 1_614_265_330),
        ),
        (
            b"HTTP/1.1 503 No\r\nretry-after: Tue, 25 Feb 2014 15:02:10 GMT\r\ncontent-length: 0\r\n\r\n",
            Some(0),
        ),
        (b"HTTP/1.1 429 No\r\nretry-after: soon\r\ncontent-length: 0\r\n\r\n", None),
        (b"HTTP/1.1 410 No\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n", None),
    ];
    for (answer, expected) in answers {
        let (address, thread) = receiver(answer);
        let sent = WebhookClient::new("").unwrap().send(&address, &[secret()], &MESSAGE).await;
        let found = match sent.unwrap_err() {
            SourceError::Transient { retry_after, .. } => retry_after.map(|it| it.as_secs()),
            SourceError::Refused { .. } => None,
            other => panic!("{other}"),
        };
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(answer));
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn of_a_long_answer_only_the_beginning_is_read() {
    const LENGTH: usize = 64 << 20;
    let head = format!("HTTP/1.1 500 No\r\ncontent-length: {LENGTH}\r\n\r\n");
    let answer: &'static [u8] = Box::leak([head.into_bytes(), vec![b'x'; 1 << 20]].concat().into());
    let (address, thread) = receiver(answer);
    // The rest never comes: whoever waited for it would fail by the end of the connection.
    let sent = WebhookClient::new("").unwrap().send(&address, &[secret()], &MESSAGE).await;
    let error = sent.unwrap_err().to_string();
    assert!(error.contains("xxx…") && error.len() < MAX_ANSWER_BYTES, "{error}");
    thread.join().unwrap();
}

#[tokio::test]
async fn nobody_there_is_worth_another_try() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let address = WebhookAddress::parse(&address).unwrap();
    let sent = WebhookClient::new("").unwrap().send(&address, &[secret()], &MESSAGE).await;
    assert!(sent.unwrap_err().is_transient());
}
