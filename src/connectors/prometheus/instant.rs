//! One question asked once: what a query says at a moment, whoever asks.

use super::{post, wire};
use crate::connectors::{Ask, ParseError};
use crate::domain::Timestamp;

/// The question.
pub fn question(query: &str, at: Timestamp) -> Ask {
    let time = format!("{:.3}", at.millis() as f64 / 1_000.0);
    post("instant", "/api/v1/query", vec![("query", query.to_owned()), ("time", time)])
}

/// The value of every series, or the one of a number; none when nothing matched.
///
/// # Errors
/// When it is not what the API promises, or the question was refused.
pub fn values(body: &[u8]) -> Result<Vec<f64>, ParseError> {
    let (mut all, mut alone) = (Vec::new(), None);
    wire::elements(body, |element| {
        all.extend(element.value.map(|point| point.1));
        // A number is `[time, "value"]`: the last of the two.
        alone = element.alone.or(alone);
    })?;
    all.extend(alone);
    Ok(all)
}

#[cfg(test)]
mod checks {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;

    fn answer(kind: &str, result: &str) -> Vec<u8> {
        format!(
            "{{\"status\":\"success\",\"data\":{{\"resultType\":\"{kind}\",\"result\":{result}}}}}"
        )
        .into_bytes()
    }

    #[test]
    fn vectors_numbers_and_refusals() {
        let vector =
            r#"[{"metric":{"a":"b"},"value":[1.5,"1"]},{"metric":{},"value":[1.5,"+Inf"]}]"#;
        assert_eq!(values(&answer("vector", vector)), Ok(vec![1.0, f64::INFINITY]));
        assert_eq!(values(&answer("vector", "[]")), Ok(Vec::new()));
        assert_eq!(values(&answer("scalar", r#"[1795345055.081,"0"]"#)), Ok(vec![0.0]));
        let refused = br#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
        assert_eq!(values(refused), Err(ParseError::Refused("parse error".to_owned())));
        assert!(matches!(values(b"<html>"), Err(ParseError::Shape(_))));
        let asked = question("up == 1", Timestamp::from_millis(1_500));
        assert_eq!(asked.params, [("query", "up == 1".to_owned()), ("time", "1.500".to_owned())]);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = values(&body);
        }

        #[test]
        fn every_value_is_given_back(given in prop::collection::vec(-1e9f64..1e9, 0..12)) {
            let series: Vec<String> =
                given.iter().map(|v| format!("{{\"metric\":{{}},\"value\":[1,\"{v}\"]}}")).collect();
            let body = answer("vector", &format!("[{}]", series.join(",")));
            prop_assert_eq!(values(&body), Ok(given));
        }
    }
}
