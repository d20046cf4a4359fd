//! What is wrong with a submission, and the field it is about.

use domain::spec::InvalidSpec;
use serde::{Deserialize, Serialize};

use crate::text;
use crate::tr::{Text, said, tr};

/// Shown next to its field: what is wrong, and what to do now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub field: Field,
    pub message: String,
    pub hint: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Field {
    Url,
    File,
    Language,
    Model,
    Task,
    Profile,
    /// About the list of jobs.
    List,
    /// About none of them; shown beside the button.
    Form,
}

impl Field {
    pub fn as_str(self) -> &'static str {
        match self {
            Field::Url => "url",
            Field::File => "file",
            Field::Language => "language",
            Field::Model => "model",
            Field::Task => "task",
            Field::Profile => "profile",
            Field::List => "list",
            Field::Form => "form",
        }
    }

    fn parse(text: &str) -> Field {
        let fields = [
            Field::Url,
            Field::File,
            Field::Language,
            Field::Model,
            Field::Task,
            Field::Profile,
            Field::List,
            Field::Form,
        ];
        fields.into_iter().find(|field| field.as_str() == text).unwrap_or(Field::Form)
    }
}

impl Problem {
    /// Neither a link nor a file.
    pub fn nothing_chosen() -> Problem {
        Problem::new(
            Field::Url,
            Text("There is no link, and no file."),
            Text("Paste a link, or choose a file."),
        )
    }

    /// What can be said of a link before it is sent; the server has the last word.
    pub fn of_link(link: &str) -> Option<Problem> {
        let link = link.trim();
        if link.is_empty() {
            return Some(Problem::nothing_chosen());
        }
        let scheme = link.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http" | "https") => None,
            Some(_) => Some(Problem::told("url_scheme", "url", 0)),
            None => Some(Problem::told("url_malformed", "url", 0)),
        }
    }

    /// The same for the size of a file.
    pub fn of_file(bytes: u64, max_upload_bytes: u64) -> Option<Problem> {
        if bytes == 0 {
            return Some(Problem::told("empty_upload", "file", max_upload_bytes));
        }
        if bytes <= max_upload_bytes {
            return None;
        }
        let message = tr!(
            "The file is larger than this installation takes: {0} of at most {1}.",
            text::bytes(bytes),
            text::bytes(max_upload_bytes)
        );
        Some(Problem { message, ..Problem::told("media_too_large", "file", max_upload_bytes) })
    }

    pub fn connection_lost(field: Field) -> Problem {
        Problem::new(
            field,
            Text("The server could not be reached."),
            Text("Check your connection and try again."),
        )
    }

    /// As the address of a page tells it when a form was sent without JavaScript.
    pub fn told(code: &str, field: &str, max_upload_bytes: u64) -> Problem {
        let field = Field::parse(field);
        let invalid = |invalid: InvalidSpec| {
            let (message, hint) = (said(&invalid.message()).into(), said(&invalid.hint()).into());
            Problem { field, message, hint }
        };
        match code {
            "url_missing" | "file_missing" => Problem { field, ..Problem::nothing_chosen() },
            "url_malformed" => invalid(InvalidSpec::UrlMalformed),
            "url_scheme" => Problem {
                message: tr!("Links of this kind cannot be fetched.").into(),
                ..invalid(InvalidSpec::UrlMalformed)
            },
            "url_user_info" => invalid(InvalidSpec::UrlUserInfo),
            "url_too_long" => invalid(InvalidSpec::UrlTooLong),
            "unknown_language" => Problem::new(
                field,
                Text("This language is not known here."),
                Text("Choose one of the list, or let it be detected."),
            ),
            "english_model_only" => Problem::new(
                field,
                Text("This model hears English only, and another language was chosen."),
                Text("Choose a model without .en in its name."),
            ),
            "english_model_translates" => Problem::new(
                field,
                Text("A model for English only cannot translate."),
                Text("Choose a model without .en in its name."),
            ),
            "unknown_model" | "model_name" => {
                Problem::new(field, Text("This model is not offered here."), Text("Choose one of the list."))
            }
            "unknown_task" | "unknown_profile" => {
                Problem::new(field, Text("This choice is not known here."), Text("Choose one of the list."))
            }
            "media_too_large" => Problem {
                field,
                message: tr!(
                    "The file is larger than this installation takes: {0}.",
                    text::bytes(max_upload_bytes)
                ),
                hint: tr!("Submit only its sound, or ask the operator for a higher limit.").into(),
            },
            "empty_upload" => Problem::new(
                field,
                Text("The file is empty."),
                Text("Check that the file plays, and upload it whole."),
            ),
            "upload_broken" | "too_slow" => Problem::new(
                field,
                Text("The upload did not arrive whole."),
                Text("Try again on a better connection."),
            ),
            "too_many" | "too_many_ids" => Problem::new(
                field,
                Text("These are more than can be taken at once."),
                Text("Take fewer at a time."),
            ),
            "nothing_selected" => {
                Problem::new(field, Text("No job is selected."), Text("Check the boxes before their titles."))
            }
            "job_not_found" => Problem::new(
                field,
                Text("None of these jobs is there any more."),
                Text("The list shows what is."),
            ),
            "job_ended" => Problem::new(
                field,
                Text("The job had ended before it could be cancelled."),
                Text("Nothing is left to do."),
            ),
            "job_unfinished" => Problem::new(
                field,
                Text("The job is still queued or running."),
                Text("Cancel it first, or wait for its end."),
            ),
            "already_translation" => Problem::new(
                field,
                Text("The job is a translation itself."),
                Text("Translate the job that it was made of."),
            ),
            "already_video" => Problem::new(
                field,
                Text("The job is a video with subtitles, and has no track of its own."),
                Text("Take the job that it was made of."),
            ),
            "job_not_completed" => {
                Problem::new(field, Text("The job is not complete."), Text("Wait until it is, or retry it."))
            }
            "no_subtitles" => Problem::new(
                field,
                Text("There are no subtitles to put into a video."),
                Text("Correct the transcript first."),
            ),
            "no_picture" => Problem::new(
                field,
                Text("The media has no picture that subtitles could be drawn into."),
                Text("Have them added as a track instead."),
            ),
            "disk_full" => Problem::new(
                field,
                Text("There is no room left for the media."),
                Text("Delete jobs that are not needed any more, or ask the operator for space."),
            ),
            "queue_unavailable" => Problem::new(
                field,
                Text("The job is stored, but the queue did not take it."),
                Text("It starts by itself when the queue answers again."),
            ),
            "too_many_shares" => Problem::new(
                field,
                Text("The job has as many links as it can have."),
                Text("Revoke one that is not needed any more."),
            ),
            "share_not_found" => {
                Problem::new(field, Text("There is no such link any more."), Text("Nothing is left to do."))
            }
            "expires_in" => {
                Problem::new(field, Text("A link cannot end then."), Text("Choose one of the list."))
            }
            "unavailable" => {
                Problem::new(field, Text("The backend did not answer."), Text("Try again in a few seconds."))
            }
            _ => Problem::new(field, Text("This was not accepted."), Text("Check it and try again.")),
        }
    }

    /// As the HTTP interface answers. `source` is what was sent, for errors that name no field.
    pub fn answered(body: &str, source: Field) -> Problem {
        #[derive(Deserialize)]
        struct Answer {
            error: Told,
        }
        #[derive(Deserialize)]
        struct Told {
            message: String,
            #[serde(default)]
            hint: String,
            field: Option<String>,
        }
        match serde_json::from_str::<Answer>(body) {
            Ok(Answer { error: Told { message, hint, field } }) => {
                let field = field.as_deref().map_or(source, Field::parse);
                Problem { field, message: said(&message).into(), hint: said(&hint).into() }
            }
            Err(_) => Problem::new(
                source,
                Text("The server gave an answer that makes no sense here."),
                Text("Try again."),
            ),
        }
    }

    fn new(field: Field, message: Text, hint: Text) -> Problem {
        Problem { field, message: message.into(), hint: hint.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_shown_at_the_field_it_names() {
        let body = r#"{"error":{"code":"url_scheme","message":"m","hint":"h","field":"url"}}"#;
        let problem = Problem { field: Field::Url, message: "m".into(), hint: "h".into() };
        assert_eq!(Problem::answered(body, Field::File), problem);
    }

    #[test]
    fn an_answer_without_a_field_is_shown_at_what_was_sent() {
        let body = r#"{"error":{"code":"disk_full","message":"m","hint":"h"}}"#;
        assert_eq!(Problem::answered(body, Field::File).field, Field::File);
        assert_eq!(Problem::answered("<html>", Field::Url).field, Field::Url);
    }

    #[test]
    fn every_code_of_an_address_has_words() {
        for code in ["url_missing", "url_malformed", "unknown_model", "media_too_large", "no such code", ""] {
            let problem = Problem::told(code, "url", 1_000_000);
            assert!(!problem.message.is_empty() && !problem.hint.is_empty(), "{code}");
            assert_eq!(problem.field, Field::Url);
        }
        assert_eq!(Problem::told("unavailable", "", 0).field, Field::Form);
    }

    #[test]
    fn what_can_be_seen_here_is_not_sent() {
        let field = |problem: Option<Problem>| problem.map(|problem| problem.field);
        for link in ["https://example.org/a", " HTTP://example.org"] {
            assert_eq!(Problem::of_link(link), None, "{link}");
        }
        for link in ["", "  ", "example.org/a.mp4", "ftp://example.org/a"] {
            assert_eq!(field(Problem::of_link(link)), Some(Field::Url), "{link}");
        }
        assert_eq!([1, 10].map(|bytes| Problem::of_file(bytes, 10)), [None, None]);
        assert_eq!([0, 11].map(|bytes| field(Problem::of_file(bytes, 10))), [Some(Field::File); 2]);
    }
}
