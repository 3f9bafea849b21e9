//! The envelope of every answer: JSON or XML, with the request id in it.

mod xml;

use serde::Serialize;
use serde_json::Value;

use crate::encoding::percent_encode;
use crate::error::{ApiError, catalogue};
use crate::parameters::Parameters;

/// The content type of JSON answers.
pub const CONTENT_TYPE_JSON: &str = "application/json;charset=utf-8";

/// The content type of XML answers; clients compare it to the letter.
pub const CONTENT_TYPE_XML: &str = "text/xml;charset=utf-8";

/// The field of an error with a link, which XML holds as a CDATA section.
const RECOMMEND: &str = "Recommend";

/// Names the format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON, the default of V3.
    Json,
    /// XML, the default of V1.
    Xml,
}

impl Format {
    /// Reads the parameter `Format`; a blank or missing one means the default.
    ///
    /// `None` is what Python's core SDK sends when its caller chose no format. Other values are
    /// refused with `InvalidFormat`.
    pub(crate) fn of(parameters: &Parameters, default: Self) -> Result<Self, ApiError> {
        match parameters.find_string("Format").map(str::to_ascii_lowercase).as_deref() {
            None => Ok(default),
            Some("json" | "none") => Ok(Self::Json),
            Some("xml") => Ok(Self::Xml),
            Some(_) => Err(catalogue::invalid_parameter("Format")),
        }
    }

    /// Returns the content type of answers in this format.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => CONTENT_TYPE_JSON,
            Self::Xml => CONTENT_TYPE_XML,
        }
    }
}

/// Identifies the request that is answered.
#[derive(Debug, Clone, Copy)]
pub struct AnswerContext<'a> {
    /// The format to answer in.
    pub format: Format,
    /// The id of the request, an upper-case UUID.
    pub request_id: &'a str,
    /// The Host header of the request.
    pub host_id: &'a str,
}

/// Holds what to send back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub http_status: u16,
    /// The headers to set, Content-Type among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Says why an answer could not be written.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The value has no JSON form, such as a map with keys that are no strings.
    #[error("the answer of {action} cannot be written as JSON")]
    Serialize {
        /// The action that was answered.
        action: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The value is a list or a single value.
    #[error("the answer of {action} is not an object")]
    NotObject {
        /// The action that was answered.
        action: String,
    },
}

/// Renders the answer of an action; RequestId is added to it.
///
/// The object must not have a `Code` of its own unless the action documents one: a client that
/// ignores the HTTP status takes any other `Code` than 200, OK and Success for an error.
pub fn success<T: Serialize>(
    context: &AnswerContext<'_>,
    action: &str,
    body: &T,
) -> Result<Answer, AnswerError> {
    let value = serde_json::to_value(body)
        .map_err(|source| AnswerError::Serialize { action: action.to_owned(), source })?;
    let Value::Object(mut object) = value else {
        return Err(AnswerError::NotObject { action: action.to_owned() });
    };
    object.insert("RequestId".to_owned(), Value::from(context.request_id));
    let root = format!("{action}Response");
    Ok(Answer {
        http_status: 200,
        headers: headers(context),
        body: match context.format {
            Format::Json => Value::Object(object).to_string(),
            Format::Xml => xml::document(&root, &object),
        }
        .into_bytes(),
    })
}

/// Renders an error; all its fields are strings but AccessDeniedDetail, as Go's SDK insists.
pub fn failure(context: &AnswerContext<'_>, error: &ApiError) -> Answer {
    let mut headers = headers(context);
    if let Some(retry_after_ms) = error.retry_after_ms {
        headers.push(("x-acs-retry-after", retry_after_ms.to_string()));
    }
    let fields = error_fields(context, error);
    let body = match context.format {
        Format::Json => {
            let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
            Value::Object(fields.collect()).to_string()
        }
        Format::Xml => xml::error_document(&fields),
    };
    Answer { http_status: error.http_status, headers, body: body.into_bytes() }
}

fn headers(context: &AnswerContext<'_>) -> Vec<(&'static str, String)> {
    vec![
        ("content-type", context.format.content_type().to_owned()),
        ("x-acs-request-id", context.request_id.to_owned()),
    ]
}

/// Returns the fields in the order the official service has them, which readers of XML may expect.
fn error_fields(context: &AnswerContext<'_>, error: &ApiError) -> Vec<(&'static str, Value)> {
    let mut fields = vec![
        ("RequestId", Value::from(context.request_id)),
        ("HostId", Value::from(context.host_id)),
        ("Code", Value::from(error.code.as_str())),
        ("Message", Value::from(error.message.as_str())),
        (RECOMMEND, Value::from(recommend(&error.code, context.request_id))),
    ];
    // A structure of strings always has a JSON form.
    if let Some(Ok(detail)) = error.access_denied_detail.as_ref().map(serde_json::to_value) {
        fields.push(("AccessDeniedDetail", detail));
    }
    fields
}

fn recommend(code: &str, request_id: &str) -> String {
    format!(
        "https://api.aliyun.com/troubleshoot?q={}&product=Sas&requestId={}",
        percent_encode(code),
        percent_encode(request_id)
    )
}

#[cfg(test)]
mod tests;
