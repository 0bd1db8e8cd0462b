//! Figures in the text form of Prometheus.

use std::fmt::Write as _;

use engine::Figure;

/// Figures as text, those of one metric one after the other and under its description.
///
/// Made when it is asked for: a gauge that is set after a pass would stand still just when nothing is read any more, and
/// stay after its connection is gone.
pub(super) fn text(figures: &[Figure]) -> String {
    let mut text = String::new();
    let mut last = "";
    for figure in figures {
        let metric = figure.metric;
        if metric.name != last {
            last = metric.name;
            let kind = metric.kind.name();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# HELP {last} {}\n# TYPE {last} {kind}", metric.help);
        }
        let labels = labels(figure);
        let _ = writeln!(text, "{last}{labels} {}", figure.value);
    }
    text
}

fn labels(figure: &Figure) -> String {
    let pairs = figure.metric.labels.iter().zip(&figure.labels);
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    match pairs.is_empty() {
        true => String::new(),
        false => format!("{{{}}}", pairs.join(",")),
    }
}

fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use engine::figures::{ALL, DISK_FREE, STREAM_STALE};

    use super::*;

    #[test]
    fn figures_of_one_metric_stand_together_under_its_description() {
        let stale = |stream: &str, value| {
            Figure::new(STREAM_STALE, ["c\"1".to_owned(), stream.to_owned()], value)
        };
        let figures = [
            stale("a", 1.0),
            stale("b", 0.0),
            Figure::new(DISK_FREE, [], 1.5),
        ];
        let expected = format!(
            "# HELP fulcrum_stream_stale {}\n# TYPE fulcrum_stream_stale gauge\n\
             fulcrum_stream_stale{{connection=\"c\\\"1\",stream=\"a\"}} 1\n\
             fulcrum_stream_stale{{connection=\"c\\\"1\",stream=\"b\"}} 0\n\
             # HELP fulcrum_disk_free_bytes {}\n# TYPE fulcrum_disk_free_bytes gauge\n\
             fulcrum_disk_free_bytes 1.5\n",
            STREAM_STALE.help, DISK_FREE.help
        );
        assert_eq!(text(&figures), expected);
        assert_eq!(text(&[]), "");
    }

    fn workspace() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    #[test]
    fn the_page_lists_every_metric_as_it_is_and_no_other() {
        let page = std::fs::read_to_string(workspace().join("docs/metrics.md")).unwrap();
        let rows = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(str::to_owned);
        let expected = ALL.iter().map(|metric| {
            let labels: Vec<_> = metric
                .labels
                .iter()
                .map(|label| format!("`{label}`"))
                .collect();
            let labels = match labels.is_empty() {
                true => " ".to_owned(),
                false => format!(" {} ", labels.join(", ")),
            };
            let (name, kind) = (metric.name, metric.kind.name());
            format!(
                "| `{name}` | {kind} |{labels}| {} | {} |",
                metric.unit, metric.help
            )
        });
        assert_eq!(rows.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
    }

    /// The alerts on the page ask for metrics and labels that there are.
    #[test]
    fn the_alerts_of_the_page_ask_for_metrics_that_there_are() {
        let page = std::fs::read_to_string(workspace().join("docs/metrics.md")).unwrap();
        let (_, alerts) = page.split_once("## Alerts").unwrap();
        let words = alerts.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let mut asked = 0;
        for word in words.filter(|word| word.starts_with("fulcrum_")) {
            assert!(ALL.iter().any(|metric| metric.name == word), "{word}");
            asked += 1;
        }
        assert!(asked > 15, "{asked}");
    }

    /// Every place that counts something names it by the table.
    #[test]
    fn nothing_is_counted_under_a_name_of_its_own() {
        let mut looked_at = 0;
        let mut folders = vec![workspace().join("crates")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|kind| kind == "rs") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let text: String = text.split_whitespace().collect();
                    for macro_name in ["counter", "gauge", "histogram"] {
                        let literal = format!("metrics::{macro_name}!(\"");
                        assert!(!text.contains(&literal), "{}", path.display());
                    }
                    looked_at += 1;
                }
            }
        }
        assert!(looked_at > 300, "{looked_at} files");
    }
}
