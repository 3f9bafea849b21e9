use super::Parameters;

fn parse(query: &str) -> Parameters {
    Parameters::parse(query, b"").unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T, crate::error::ApiError>) -> String {
    result.unwrap_err().code
}

#[test]
fn query_and_form_are_one_set() {
    let parameters = Parameters::parse("b=1&a=", b"c=x+y").unwrap();
    assert_eq!(parameters.iter().collect::<Vec<_>>(), [("a", ""), ("b", "1"), ("c", "x y")]);
}

#[test]
fn the_same_parameter_twice_is_refused() {
    for (query, form) in [("a=1&a=1", ""), ("a=1", "a=2"), ("", "a&a="), ("%61=1&a=1", "")] {
        let error = Parameters::parse(query, form.as_bytes()).unwrap_err();
        assert_eq!((error.http_status, error.code.as_str()), (400, "InvalidParameter.Duplicate"));
    }
}

#[test]
fn bad_encodings_are_refused() {
    for (query, form) in [("a=%", &b""[..]), ("a=%ff", b""), ("", b"a=%2"), ("", b"a=\xff")] {
        assert_eq!(code(Parameters::parse(query, form)), "InvalidParameter.Format");
    }
}

#[test]
fn a_blank_is_a_missing_value() {
    let parameters = parse("Uuids=&Name=n");
    assert_eq!(parameters.find_raw("Uuids"), Some(""));
    assert_eq!(parameters.find_string("Uuids"), None);
    assert_eq!(code(parameters.get_string("Uuids")), "MissingUuids");
    assert_eq!(parameters.get_string("Name"), Ok("n"));
    assert_eq!(parameters.find_i32("Uuids"), Ok(None));
}

#[test]
fn booleans_have_four_spellings() {
    let parameters = parse("a=true&b=True&c=false&d=False&e=1&f=");
    assert_eq!(parameters.find_bool("a"), Ok(Some(true)));
    assert_eq!(parameters.find_bool("b"), Ok(Some(true)));
    assert_eq!(parameters.find_bool("c"), Ok(Some(false)));
    assert_eq!(parameters.find_bool("d"), Ok(Some(false)));
    assert_eq!(code(parameters.find_bool("e")), "Invalide");
    assert_eq!(parameters.find_bool("f"), Ok(None));
}

#[test]
fn numbers_outside_their_range_are_invalid() {
    let parameters = parse("PageSize=20&Big=4294967296&Bad=1.5");
    assert_eq!(parameters.find_i32("PageSize"), Ok(Some(20)));
    assert_eq!(parameters.get_i64("Big"), Ok(4_294_967_296));
    assert_eq!(code(parameters.find_i32("Big")), "InvalidBig");
    assert_eq!(code(parameters.get_i64("Bad")), "InvalidBad");
    assert_eq!(code(parameters.get_i32("CurrentPage")), "MissingCurrentPage");
}

#[test]
fn lists_are_in_the_order_of_their_numbers() {
    let parameters = parse("A.10=j&A.2=b&A.1=a&A.x=no&A.01=no&A.0=no&A=no&AB.1=no&A.1.F=no");
    assert_eq!(parameters.list("A"), ["a", "b", "j"]);
    assert_eq!(code(parameters.get_list("B")), "MissingB");
    assert_eq!(parse("N.1=1&N.2=-2").list_i32("N"), Ok(vec![1, -2]));
    assert_eq!(code(parse("N.1=x").list_i64("N")), "InvalidN");
}

#[test]
fn lists_of_structures_are_parameters_again() {
    let parameters = parse("Tag.2.Key=b&Tag.1.Key=a&Tag.1.Value=1&Tag.1.Items.1=i&Tag.3=no");
    let tags = parameters.list_structures("Tag");
    assert_eq!(tags.len(), 2);
    assert_eq!(tags[0].get_string("Key"), Ok("a"));
    assert_eq!(tags[0].list("Items"), ["i"]);
    assert_eq!(tags[1].get_string("Key"), Ok("b"));
}

#[test]
fn json_values_are_parsed() {
    let parameters = parse("Ids=%5B1%2C2%5D&Bad=%7B");
    assert_eq!(parameters.find_json::<Vec<i64>>("Ids"), Ok(Some(vec![1, 2])));
    assert_eq!(parameters.find_json::<Vec<i64>>("None"), Ok(None));
    assert_eq!(code(parameters.find_json::<Vec<i64>>("Bad")), "InvalidBad");
}
