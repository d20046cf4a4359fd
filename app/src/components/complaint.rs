//! What is wrong with a field, said next to it.

use leptos::prelude::*;

use crate::problem::{Field, Problem};

/// What is wrong with one field; the field names this text by `aria-describedby`.
#[component]
pub fn Complaint(problem: RwSignal<Option<Problem>>, field: Field) -> impl IntoView {
    move || {
        let problem = problem.get().filter(|problem| problem.field == field)?;
        Some(view! {
            <p class="problem" id=format!("{}-problem", field.as_str()) role="alert">
                <strong>{problem.message}</strong>
                " "
                {problem.hint}
            </p>
        })
    }
}

/// The id of the text that tells what is wrong with this field, while something is.
pub fn about(problem: RwSignal<Option<Problem>>, field: Field) -> Signal<Option<String>> {
    Signal::derive(move || {
        problem.with(|problem| {
            let is_here = problem.as_ref().is_some_and(|problem| problem.field == field);
            is_here.then(|| format!("{}-problem", field.as_str()))
        })
    })
}
