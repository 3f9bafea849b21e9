//! The `WWW-Authenticate` header of a registry, and the rule for whom credentials may be sent to.

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use url::{Host, Url};

/// What a registry asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A token from elsewhere (Docker Registry v2 authentication, "Token Authentication").
    Bearer { realm: String, service: Option<String> },
    /// User name and password (RFC 7617).
    Basic,
}

impl Challenge {
    /// Reads the strongest challenge of an answer; Bearer wins over Basic.
    pub(crate) fn find(headers: &HeaderMap) -> Option<Challenge> {
        let mut basic = None;
        for value in headers.get_all(WWW_AUTHENTICATE) {
            let Some(challenges) =
                value.to_str().ok().and_then(|text| http_auth::parse_challenges(text).ok())
            else {
                continue;
            };
            for challenge in challenges {
                let parameter = |name: &str| {
                    challenge
                        .params
                        .iter()
                        .find(|(key, _)| key.eq_ignore_ascii_case(name))
                        .map(|(_, value)| value.to_unescaped())
                };
                if challenge.scheme.eq_ignore_ascii_case("Bearer")
                    && let Some(realm) = parameter("realm")
                {
                    return Some(Challenge::Bearer { realm, service: parameter("service") });
                }
                if challenge.scheme.eq_ignore_ascii_case("Basic") {
                    basic = Some(Challenge::Basic);
                }
            }
        }
        basic
    }
}

/// Tells whether credentials for `registry` may be sent to the token realm.
///
/// The realm must be the registry's own host, or a host under the same registrable domain
/// (`registry-1.docker.io` and `auth.docker.io`), or one that the options trust. There is no list
/// of public suffixes: the registrable domain is the last two labels, or the last three where a
/// two-letter country follows a customary second level (`co.uk`, `com.cn`). Addresses must be
/// equal.
pub(crate) fn may_hold_credentials(registry: &Url, realm: &Url, trusted: &[String]) -> bool {
    let (Some(from), Some(to)) = (registry.host(), realm.host()) else { return false };
    if from == to || names_host(trusted, realm) {
        return true;
    }
    match (from, to) {
        (Host::Domain(from), Host::Domain(to)) => {
            let (from, to) = (registrable(from), registrable(to));
            from.is_some() && from == to
        }
        _ => false,
    }
}

/// Tells whether a list of `host` or `host:port` names the host of a URL.
pub(crate) fn names_host(list: &[String], url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
    list.iter().any(|entry| {
        entry.eq_ignore_ascii_case(host)
            || with_port.as_ref().is_some_and(|full| entry.eq_ignore_ascii_case(full))
    })
}

fn registrable(host: &str) -> Option<String> {
    const SECOND_LEVELS: [&str; 12] =
        ["co", "com", "net", "org", "gov", "edu", "ac", "or", "ne", "go", "gob", "mil"];
    let labels: Vec<&str> = host.trim_end_matches('.').rsplit('.').collect();
    let count = match labels.as_slice() {
        [country, second, ..] if country.len() == 2 && SECOND_LEVELS.contains(second) => 3,
        _ => 2,
    };
    let kept = labels.get(..count)?;
    Some(kept.iter().rev().copied().collect::<Vec<_>>().join(".").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
    use url::Url;

    use super::{Challenge, may_hold_credentials};

    fn find(values: &[&'static str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(value));
        }
        Challenge::find(&headers)
    }

    #[test]
    fn challenges_are_read_in_all_their_spellings() {
        let bearer = |realm: &str, service: Option<&str>| {
            let (realm, service) = (realm.to_owned(), service.map(str::to_owned));
            Some(Challenge::Bearer { realm, service })
        };
        assert_eq!(
            find(&[r#"Bearer realm="https://a/t",service="s",scope="x""#]),
            bearer("https://a/t", Some("s"))
        );
        assert_eq!(find(&["Basic realm=\"b\"", "bearer REALM=\"r\""]), bearer("r", None));
        assert_eq!(find(&["Basic realm=\"b\", Bearer realm=\"r\""]), bearer("r", None));
        assert_eq!(find(&["basic"]), Some(Challenge::Basic));
        assert_eq!(find(&["Bearer", "Negotiate", "=", "\"", ""]), None);
    }

    #[test]
    fn credentials_stay_within_one_registrable_domain() {
        let may = |registry: &str, realm: &str| {
            let url = |text: &str| Url::parse(text).expect("URL");
            let trusted = ["login.partner.example".to_owned()];
            may_hold_credentials(&url(registry), &url(realm), &trusted)
        };
        for (registry, realm, expect) in [
            ("https://registry-1.docker.io", "https://auth.docker.io/token", true),
            ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth", true),
            ("https://registry.cn-x.aliyuncs.com", "https://dockerauth.cn-x.aliyuncs.com", true),
            ("https://harbor.example:8443", "https://harbor.example/service/token", true),
            ("https://10.0.0.1:5000", "https://10.0.0.1:5001/token", true),
            ("https://10.0.0.1:5000", "https://10.0.0.2:5000/token", false),
            ("https://registry.example", "https://login.partner.example/t", true),
            ("https://registry.example", "https://registry.example.evil.test/t", false),
            ("https://ghcr.io", "https://evil.io/token", false),
            ("https://registry.good.co.uk", "https://auth.good.co.uk/t", true),
            ("https://registry.good.co.uk", "https://evil.co.uk/t", false),
            ("http://localhost:5000", "https://evil.localhost/t", false),
        ] {
            assert_eq!(may(registry, realm), expect, "{registry} {realm}");
        }
    }
}
