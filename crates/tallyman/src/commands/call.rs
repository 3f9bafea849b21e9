//! `tallyman call`: a signed call of any action.
//!
//! Everything after the action is either one of the command's own options or a parameter of the
//! action; the two never clash, since the API's parameters begin with a capital letter.

use std::path::PathBuf;

use tallyman_engine::api_client::SignatureVersion;

use crate::cli::call::Call;
use crate::cli::options::{DataArgs, EndpointArgs};
use crate::commands::setup;
use crate::exit::{Exit, UsageError};
use crate::output;
use crate::paths::non_empty;

#[derive(Debug, Default, PartialEq)]
struct Words {
    data: Option<PathBuf>,
    server: Option<String>,
    access_key_id: Option<String>,
    v1: bool,
    xml: bool,
    parameters: Vec<(String, String)>,
}

pub(super) async fn run(args: Call) -> anyhow::Result<Exit> {
    let words = Words::parse(&args.parameters)?;
    let endpoint = EndpointArgs {
        server: words.server.or_else(|| non_empty("TALLYMAN_SERVER")),
        access_key_id: words.access_key_id.or_else(|| non_empty("ALIBABA_CLOUD_ACCESS_KEY_ID")),
    };
    let data = words.data.or_else(|| non_empty("TALLYMAN_DATA").map(PathBuf::from));
    let client = setup::client(&endpoint, &DataArgs { data }).await?;
    let signature = if words.v1 { SignatureVersion::V1 } else { SignatureVersion::V3 };
    let mut parameters = words.parameters;
    if words.xml {
        parameters.push(("Format".to_owned(), "XML".to_owned()));
    }
    let answer = client.call(&args.action, &parameters, signature).await?;
    let text = String::from_utf8_lossy(&answer.body);
    match serde_json::from_slice::<serde_json::Value>(&answer.body) {
        Ok(value) => output::json(&value)?,
        Err(_) => output::line(&text)?,
    }
    if answer.status == 200 {
        return Ok(Exit::Clean);
    }
    output::note(&format!("error: the server answered with HTTP status {}", answer.status));
    Ok(Exit::Failed)
}

impl Words {
    fn parse(words: &[String]) -> Result<Self, UsageError> {
        let mut parsed = Words::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let Some(name) = word.strip_prefix("--") else {
                return Err(UsageError(format!("`{word}` is no --Name of a parameter")));
            };
            let (name, inline) = match name.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (name, None),
            };
            if name == "v1" {
                parsed.v1 = true;
                continue;
            }
            let value = inline.or_else(|| rest.next().cloned());
            let value =
                value.ok_or_else(|| UsageError(format!("--{name} is given without a value")))?;
            parsed.take(name, value)?;
        }
        Ok(parsed)
    }

    fn take(&mut self, name: &str, value: String) -> Result<(), UsageError> {
        match name {
            "data" => self.data = Some(PathBuf::from(value)),
            "server" | "endpoint" => self.server = Some(value),
            "access-key-id" => self.access_key_id = Some(value),
            "format" => match value.to_ascii_lowercase().as_str() {
                "json" => self.xml = false,
                "xml" => self.xml = true,
                _ => return Err(UsageError(format!("--format is json or xml, not `{value}`"))),
            },
            name if name.starts_with(|c: char| c.is_ascii_uppercase()) => {
                self.parameters.push((name.to_owned(), value));
            }
            name => {
                let text = format!(
                    "--{name} is neither an option of `call` nor a parameter, which would begin \
                     with a capital letter"
                );
                return Err(UsageError(text));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Words;

    fn parse(words: &[&str]) -> Result<Words, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Words::parse(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn options_and_parameters_are_told_apart() {
        let words =
            parse(&["--data", "d", "--Uuids", "a,b", "--v1", "--PageSize=3"]).expect("words");
        assert_eq!(words.data.as_deref(), Some(std::path::Path::new("d")));
        assert!(words.v1);
        let expect = [("Uuids", "a,b"), ("PageSize", "3")];
        assert_eq!(words.parameters, expect.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn mistakes_are_named() {
        assert!(parse(&["Uuids"]).expect_err("an error").contains("`Uuids`"));
        assert!(parse(&["--Uuids"]).expect_err("an error").contains("without a value"));
        assert!(parse(&["--uuids", "a"]).expect_err("an error").contains("capital"));
        assert!(parse(&["--format", "yaml"]).expect_err("an error").contains("json or xml"));
    }
}
