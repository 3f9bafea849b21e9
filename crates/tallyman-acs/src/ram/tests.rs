use super::action_name;

#[test]
fn three_actions_keep_the_older_code() {
    assert_eq!(action_name("DescribeImageInfoList"), "yundun-sas:DescribeImageInfoList");
    assert_eq!(action_name("OperateVuls"), "yundun-aegis:OperateVuls");
}
