//! The answer of DescribeImageInfoList as a table.

use comfy_table::Cell;
use serde_json::Value;

use crate::output;

/// Shows what matters most of each image.
pub(super) fn table(answer: &Value) -> String {
    let mut table = output::table(&[
        "Image",
        "Tag",
        "Size",
        "Status",
        "Vulnerabilities",
        "Alerts",
        "At risk",
        "ImageId",
    ]);
    let images = answer.get("ImageInfos").and_then(Value::as_array);
    for image in images.into_iter().flatten() {
        let text = |name: &str| match image.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => "-".to_owned(),
        };
        let size = image.get("ImageSize").and_then(Value::as_u64).map(output::bytes);
        let id: String = text("ImageId").chars().take(12).collect();
        let name = match (text("RepoNamespace").as_str(), text("RepoName")) {
            ("-", name) => name,
            (namespace, name) => format!("{namespace}/{name}"),
        };
        table.add_row([
            Cell::new(name),
            Cell::new(text("Tag")),
            Cell::new(size.unwrap_or_else(|| "-".to_owned())),
            Cell::new(text("Status")),
            Cell::new(text("VulCount")),
            Cell::new(text("AlarmCount")),
            Cell::new(text("RiskStatus")),
            Cell::new(id),
        ]);
    }
    table.to_string()
}
