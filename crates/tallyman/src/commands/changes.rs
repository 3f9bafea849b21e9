//! `tallyman changes`: the images of which the answer changed, as the API tells it.

use anyhow::{Context, bail};
use comfy_table::Cell;
use serde_json::Value;
use tallyman_engine::api_client::{ApiClient, SignatureVersion};
use tallyman_model::clock::{Clock, SystemClock, format_utc};

use crate::cli::changes::{Changes, OnlyChange};
use crate::cli::options::OutputFormat;
use crate::commands::setup;
use crate::exit::Exit;
use crate::output;

const ACTION: &str = "DescribeImageRiskChanges";
const PAGE: usize = 100;
/// The names of vulnerabilities in a cell.
const SHOWN_NAMES: usize = 5;

pub(super) async fn run(args: Changes) -> anyhow::Result<Exit> {
    let client = setup::client(&args.endpoint, &args.data).await?;
    let mut parameters: Vec<(String, String)> = Vec::new();
    if let Some(since) = &args.since {
        parameters.push(since_parameter(since, SystemClock.now_ms()));
    }
    if let Some(only) = args.only {
        let word = match only {
            OnlyChange::Worse => "Worse",
            OnlyChange::Better => "Better",
        };
        parameters.push(("Change".to_owned(), word.to_owned()));
    }
    let changes = all(&client, &parameters, args.limit).await?;
    match args.format.format {
        OutputFormat::Json => output::json(&changes)?,
        OutputFormat::Table => show(&changes)?,
    }
    Ok(Exit::Clean)
}

/// A number with a unit is a time, all else names a revision.
fn since_parameter(since: &str, now_ms: i64) -> (String, String) {
    match milliseconds(since) {
        Some(duration) => {
            let start = now_ms.saturating_sub(duration).max(0);
            ("StartTime".to_owned(), start.to_string())
        }
        None => ("SinceRevision".to_owned(), since.to_owned()),
    }
}

fn milliseconds(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds: i64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let number: i64 = number.parse().ok().filter(|number| *number >= 0)?;
    Some(number.saturating_mul(seconds * 1_000))
}

async fn all(
    client: &ApiClient,
    parameters: &[(String, String)],
    limit: usize,
) -> anyhow::Result<Vec<Value>> {
    let mut changes = Vec::new();
    let mut token: Option<String> = None;
    while changes.len() < limit {
        let size = PAGE.min(limit - changes.len());
        let mut parameters = parameters.to_vec();
        parameters.push(("MaxResults".to_owned(), size.to_string()));
        parameters.extend(token.map(|token| ("NextToken".to_owned(), token)));
        let answer = client.call(ACTION, &parameters, SignatureVersion::V3).await?;
        let mut body: Value =
            serde_json::from_slice(&answer.body).context("reading the server's answer")?;
        if answer.status != 200 {
            let message = body["Message"].as_str().unwrap_or("no reason was given");
            bail!("the server refused {ACTION} with {}: {message}", answer.status);
        }
        if let Value::Array(page) = body["Changes"].take() {
            changes.extend(page);
        }
        token = body["NextToken"].as_str().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    Ok(changes)
}

fn show(changes: &[Value]) -> anyhow::Result<()> {
    if changes.is_empty() {
        return output::line("Nothing changed.");
    }
    let mut table = output::table(&[
        "Time",
        "Image",
        "Servers",
        "Change",
        "Vulnerabilities",
        "Came",
        "Went",
        "Rated anew",
    ]);
    for change in changes {
        table.add_row([
            Cell::new(format_utc(change["ChangeTime"].as_i64().unwrap_or(0))),
            Cell::new(image(change)),
            Cell::new(change["ServerCount"].as_u64().unwrap_or(0)),
            Cell::new(change["Change"].as_str().unwrap_or_default().to_lowercase()),
            Cell::new(format!(
                "{} to {}",
                count(&change["VulCountBefore"]),
                count(&change["VulCountAfter"])
            )),
            Cell::new(names(change, "Came")),
            Cell::new(names(change, "Went")),
            Cell::new(names(change, "Rated")),
        ]);
    }
    output::line(&table.to_string())
}

fn image(change: &Value) -> String {
    let part = |name: &str| change[name].as_str();
    let id = part("ImageId").unwrap_or_default();
    match part("RepoName") {
        Some(name) => {
            let place: Vec<&str> = [part("Endpoints"), part("RepoNamespace"), Some(name)]
                .into_iter()
                .flatten()
                .collect();
            let tag = part("Tag").map(|tag| format!(":{tag}")).unwrap_or_default();
            format!("{}{tag}", place.join("/"))
        }
        None => id.chars().take(12).collect(),
    }
}

fn count(value: &Value) -> String {
    value.as_u64().map_or_else(|| "unknown".to_owned(), |count| count.to_string())
}

fn names(change: &Value, fate: &str) -> String {
    let all = change["Vulnerabilities"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_fate = || all.iter().filter(|it| it["Change"] == fate);
    let shown: Vec<String> = of_fate().take(SHOWN_NAMES).map(named).collect();
    match of_fate().count().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Names a vulnerability, and who began or ceased to suppress it.
fn named(vulnerability: &Value) -> String {
    let name = vulnerability["Name"].as_str().unwrap_or_default();
    let cause = &vulnerability["Cause"];
    let Some(id) = cause["Id"].as_str() else { return name.to_owned() };
    let kind = if cause["Type"] == "IgnoreRule" { "rule" } else { "VEX" };
    let author = cause["Author"].as_str().unwrap_or_default();
    let effect = match cause["Effect"].as_str() {
        Some("Expired") => " has expired",
        Some("Removed") => " was removed",
        Some("Changed") => " no longer holds",
        Some(_) | None => "",
    };
    output::one_line(&format!("{name} ({kind} {id} by {author}{effect})")).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{named, since_parameter};

    #[test]
    fn a_vulnerability_is_named_with_who_suppresses_it_or_no_longer_does() {
        let mut told = json!({ "Name": "CVE-1" });
        assert_eq!(named(&told), "CVE-1");
        told["Cause"] =
            json!({ "Type": "IgnoreRule", "Id": "a", "Author": "Ada", "Effect": "Suppresses" });
        assert_eq!(named(&told), "CVE-1 (rule a by Ada)");
        for (effect, words) in
            [("Expired", "has expired"), ("Removed", "was removed"), ("Changed", "no longer holds")]
        {
            told["Cause"]["Effect"] = json!(effect);
            assert_eq!(named(&told), format!("CVE-1 (rule a by Ada {words})"));
        }
        told["Cause"]["Type"] = json!("VexDocument");
        assert_eq!(named(&told), "CVE-1 (VEX a by Ada no longer holds)");
    }

    #[test]
    fn times_and_revisions_are_told_apart() {
        let parameter = |text: &str| {
            let (name, value) = since_parameter(text, 100_000_000);
            format!("{name}={value}")
        };
        assert_eq!(parameter("30s"), "StartTime=99970000");
        assert_eq!(parameter("1d"), "StartTime=13600000");
        assert_eq!(parameter("2d"), "StartTime=0");
        for revision in ["5", "0a1b2c3d", "d", "-5h", "5w", "é"] {
            assert_eq!(parameter(revision), format!("SinceRevision={revision}"));
        }
    }
}
