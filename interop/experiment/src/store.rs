//! A folder of finished networks and their scores. What is finished is not done again.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, io};

use anyhow::{Context, Result, ensure};
use burn::module::Module;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::jobs::{in_parallel, progress};

#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
}

impl Store {
    /// Opens a folder, or makes it. Networks of other settings do not belong in it.
    pub(crate) fn open(folder: PathBuf, settings: &impl Debug) -> Result<Self> {
        fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
        let file = folder.join("settings.txt");
        let now = format!("version {}, {settings:?}\n", env!("CARGO_PKG_VERSION"));
        match fs::read_to_string(&file) {
            Ok(before) => ensure!(
                before == now,
                "{} holds networks of other settings, {}; these are {}; give another --out or delete it",
                folder.display(),
                before.trim(),
                now.trim()
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::write(&file, now).with_context(|| format!("{}", file.display()))?;
            }
            Err(error) => return Err(error).with_context(|| format!("{}", file.display())),
        }
        Ok(Self { folder })
    }

    fn rows_file(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.csv"))
    }

    fn network_file(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.bpk"))
    }

    /// Reads the network of a run.
    pub(crate) fn network<M: Module>(&self, key: &str, net: M) -> Result<M> {
        let file = self.network_file(key);
        net.try_load_file(&file).with_context(|| {
            format!(
                "{}: delete it and the .csv beside it, and it is trained again",
                file.display()
            )
        })
    }

    /// Reads the scores of a run.
    pub(crate) fn rows<R: DeserializeOwned>(&self, key: &str) -> Result<Vec<R>> {
        let file = self.rows_file(key);
        read_csv(&file)
    }

    /// Runs what is not finished, `jobs` at a time. `run` makes a network and its scores; it calls its last argument for
    /// each step, of which it has `steps`.
    pub(crate) fn finish<T: Sync, M: Module, R: Serialize>(
        &self,
        what: &str,
        runs: &[T],
        key: impl Fn(&T) -> String + Sync,
        steps: impl Fn(&T) -> usize,
        jobs: usize,
        run: impl Fn(&T, &dyn Fn()) -> Result<(M, Vec<R>)> + Sync,
    ) -> Result<()> {
        let missing: Vec<_> = runs.iter().filter(|run| !self.rows_file(&key(run)).exists()).collect();
        let bar = progress(missing.iter().map(|run| steps(run)).sum())?;
        let done = AtomicUsize::new(runs.len() - missing.len());
        let report = |done: usize| {
            let message = format!("{what}: {done} of {} networks", runs.len());
            // Where there is no terminal there is no bar.
            if bar.is_hidden() {
                eprintln!("{message}");
            }
            bar.set_message(message);
        };
        report(done.load(Ordering::Relaxed));
        in_parallel(&missing, jobs, |one| {
            let (net, rows) = run(one, &|| bar.inc(1))?;
            let key = key(one);
            // An interrupted run leaves no half of a file under its name. The scores come last: with them it is finished.
            let network = self.network_file(&key);
            net.save_file(network.with_extension("part"))?;
            fs::rename(network.with_extension("part"), &network).with_context(|| format!("{}", network.display()))?;
            let scores = self.rows_file(&key);
            write_csv(&scores.with_extension("part"), &rows)?;
            fs::rename(scores.with_extension("part"), &scores).with_context(|| format!("{}", scores.display()))?;
            report(done.fetch_add(1, Ordering::Relaxed) + 1);
            Ok(())
        })?;
        bar.finish();
        Ok(())
    }
}

pub(crate) fn write_csv<R: Serialize>(file: &Path, rows: &[R]) -> Result<()> {
    let mut csv = csv::Writer::from_path(file).with_context(|| format!("{}", file.display()))?;
    rows.iter().try_for_each(|row| csv.serialize(row))?;
    Ok(csv.flush()?)
}

/// Writes rows with six decimals, and gives them as they are read again: what is computed from them is what others compute from
/// the file.
pub(crate) fn publish_csv<R: Serialize + DeserializeOwned>(file: &Path, rows: &[R]) -> Result<Vec<R>> {
    write_csv(file, rows)?;
    let mut whole = csv::ReaderBuilder::new().has_headers(false).from_path(file)?;
    let records = whole.records().collect::<std::result::Result<Vec<_>, _>>()?;
    let mut csv = csv::Writer::from_path(file).with_context(|| format!("{}", file.display()))?;
    for record in &records {
        csv.write_record(record.iter().map(rounded))?;
    }
    csv.flush()?;
    read_csv(file)
}

fn rounded(field: &str) -> String {
    match field.parse::<f64>() {
        Ok(number) if field.contains(['.', 'e']) => format!("{}", (number * 1e6).round() / 1e6),
        _ => field.to_owned(),
    }
}

fn read_csv<R: DeserializeOwned>(file: &Path) -> Result<Vec<R>> {
    let mut csv = csv::Reader::from_path(file).with_context(|| format!("{}", file.display()))?;
    csv.deserialize()
        .collect::<std::result::Result<_, _>>()
        .with_context(|| format!("{}", file.display()))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Row {
        name: String,
        seed: u64,
        score: f64,
    }

    #[test]
    fn what_is_published_has_six_decimals() {
        let folder = tempfile::tempdir().unwrap();
        let row = |name: &str, score| Row {
            name: name.into(),
            seed: 12_345_678_901,
            score,
        };
        let rows = [
            row("1.23456789 and more", 0.123_456_789),
            row("b", 4.2e-7),
            row("c", 1.0),
        ];
        let read = publish_csv(&folder.path().join("rows.csv"), &rows).unwrap();
        assert_eq!(
            read,
            [row("1.23456789 and more", 0.123_457), row("b", 0.0), row("c", 1.0)]
        );
    }
}
