use super::{RegistryCredentials, Secret, credentials_from_docker_config, find};

const CONFIG: &str = r#"{
  "auths": {
    "https://index.docker.io/v1/": {"auth": "YW5uOnM6ZWNyZXQ="},
    "quay.io/team": {"auth": "dGVhbTpw"},
    "quay.io": {"username": "all", "password": "q"},
    "stored.example": {},
    "azure.example": {"identitytoken": "eyJ"},
    "broken.example": {"auth": "%%%"}
  },
  "credHelpers": {"aws.example": "ecr-login"},
  "credsStore": "desktop"
}"#;

fn entry(scope: &str, username: &str, password: &str) -> RegistryCredentials {
    RegistryCredentials {
        scope: scope.to_owned(),
        username: username.to_owned(),
        password: Secret::new(password),
    }
}

#[test]
fn a_docker_config_gives_its_pairs_and_names_what_it_cannot_use() {
    let config = credentials_from_docker_config(CONFIG).expect("parses");
    assert_eq!(
        config.credentials,
        [
            entry("docker.io", "ann", "s:ecret"),
            entry("quay.io", "all", "q"),
            entry("quay.io/team", "team", "p"),
        ]
    );
    assert_eq!(
        config.unsupported,
        [
            "the identity token of azure.example is not supported",
            "the entry of broken.example is not base64",
            "the credential helper `ecr-login` of aws.example is not run",
            "the credential store `desktop` is not asked",
        ]
    );
}

#[test]
fn the_longest_scope_that_fits_wins() {
    let config = credentials_from_docker_config(CONFIG).expect("parses").credentials;
    let user = |registry, repository| {
        find(&config, registry, repository).map(|found| found.username.as_str())
    };
    assert_eq!(user("quay.io", "team/app"), Some("team"));
    assert_eq!(user("quay.io", "teams/app"), Some("all"));
    assert_eq!(user("docker.io", "library/alpine"), Some("ann"));
    assert_eq!(user("quay.io.evil.example", "team/app"), None);
    assert_eq!(user("ghcr.io", "a"), None);
}

#[test]
fn secrets_are_never_printed() {
    let printed = format!("{:?}", entry("a", "ann", "hunter2"));
    assert!(!printed.contains("hunter2") && printed.contains("***"), "{printed}");
    let error = credentials_from_docker_config(r#"{"auths": {"a": {"auth": 12}}}"#)
        .expect_err("a number is no text")
        .to_string();
    assert!(error.contains("line 1") && !error.contains("12,"), "{error}");
}
