use super::{sign, string_to_sign};
use crate::parameters::Parameters;

/// The example of the documentation of the RPC signature.
#[test]
fn the_documented_example_has_its_documented_signature() {
    let query = "Timestamp=2016-02-23T12%3A46%3A24Z&Format=XML&AccessKeyId=testid\
                 &Action=DescribeRegions&SignatureMethod=HMAC-SHA1\
                 &SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&Version=2014-05-26\
                 &SignatureVersion=1.0";
    let string_to_sign = string_to_sign("GET", &Parameters::parse(query, b"").unwrap());
    assert_eq!(
        string_to_sign,
        "GET&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeRegions%26Format%3DXML\
         %26SignatureMethod%3DHMAC-SHA1\
         %26SignatureNonce%3D3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf%26SignatureVersion%3D1.0\
         %26Timestamp%3D2016-02-23T12%253A46%253A24Z%26Version%3D2014-05-26"
    );
    assert_eq!(sign("testsecret", &string_to_sign), "OLeaidS1JvxuMvnyHOwuJ+uX5qY=");
}

#[test]
fn the_signature_itself_is_not_signed_and_blanks_are() {
    let parameters = Parameters::parse("b=&Signature=x", b"a=+*").unwrap();
    assert_eq!(string_to_sign("POST", &parameters), "POST&%2F&a%3D%2520%252A%26b%3D");
}
