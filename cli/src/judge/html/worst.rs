//! The lowest Dice, with a slice of each.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::again::see;
use super::slices::{INVENTED, MISSED, RIGHT, Slice, UNLABELLED};
use crate::command::{Failure, of_file};
use crate::html::{Text, png_address};
use crate::judge::report::Judgement;
use crate::judge::scores::{OF_STRUCTURES, VOLUMES};
use crate::judge::{Args, Pair, What};
use crate::tables::number;
use soft_labels_draw::canvas::Rgb888;
use soft_labels_draw::scene::class_color;

/// A structure of a case by their indices, and its Dice.
struct Worst {
    case: usize,
    structure: usize,
    dice: f64,
}

/// Those with the lowest Dice, and of equals the first. What neither map holds cannot be seen.
fn lowest(judgement: &Judgement, count: usize) -> Vec<Worst> {
    let mut all = Vec::new();
    for (case, (_, scores)) in judgement.cases.iter().enumerate() {
        for (structure, numbers) in scores.iter().flat_map(|scores| &scores.structures).enumerate() {
            let [dice, ..] = *numbers;
            let is_there = VOLUMES.iter().any(|&volume| numbers[volume] > 0.0);
            if is_there && !dice.is_nan() {
                all.push(Worst { case, structure, dice });
            }
        }
    }
    all.sort_by(|a, b| a.dice.total_cmp(&b.dice));
    all.truncate(count);
    all
}

/// Reads the worst cases again, one at a time, and draws them.
pub(super) fn html(args: &Args, what: &What, pairs: &[Pair], judgement: &Judgement) -> Result<String, Failure> {
    let worst = lowest(judgement, args.worst);
    let mut structures = BTreeMap::<usize, Vec<usize>>::new();
    for Worst { case, structure, .. } in &worst {
        structures.entry(*case).or_default().push(*structure);
    }
    let mut slices = BTreeMap::new();
    for (case, structures) in &structures {
        let Some(pair) = pairs.get(*case) else { continue };
        let read = see(args, what, pair, structures, &mut |structure, seen| {
            slices.insert((*case, structure), seen.slice()?);
            Ok(())
        });
        match &pair.prediction {
            Some(path) => of_file(path, read)?,
            None => read?,
        }
    }
    let classes = match what {
        What::Classes { .. } => args.classes.read()?.names,
        _ => Vec::new(),
    };
    let mut out = "<p>The structures with the lowest Dice in a case, each in the slice that has the most wrong voxels of it. A slice \
                   is shown as it is stored, so it may be turned or mirrored against the usual view. Its sides are in proportion \
                   to millimetres. The option <code>--worst</code> says how many structures are shown.</p>\n"
        .to_owned();
    if worst.is_empty() {
        out.push_str("<p>No case has a Dice.</p>");
    }
    for (at, one) in worst.iter().enumerate() {
        let Some(slice) = slices.get(&(one.case, one.structure)) else {
            continue;
        };
        entry(&mut out, at + 1, one, judgement, slice, &classes)?;
    }
    Ok(out)
}

fn entry(
    out: &mut String,
    at: usize,
    Worst { case, structure, dice }: &Worst,
    judgement: &Judgement,
    slice: &Slice,
    classes: &[String],
) -> fmt::Result {
    let structure_name = judgement.structures.names.get(*structure).map_or("", |name| name);
    let (case_name, numbers) = match judgement.cases.get(*case) {
        Some((name, Ok(scores))) => (name.as_str(), scores.structures.get(*structure)),
        _ => ("", None),
    };
    let title = match case_name {
        "" => format!("structure {structure_name}"),
        case => format!("{case}, structure {structure_name}"),
    };
    let dice = number(*dice);
    writeln!(
        out,
        "<article>\n<h3 id=\"worst-{at}\">{at}. {}: Dice {dice}</h3>",
        Text(&title)
    )?;
    let listed = [
        "volume_prediction_mm3",
        "volume_reference_mm3",
        "surface_dice",
        "hausdorff95_mm",
    ];
    let metrics = OF_STRUCTURES.iter().zip(numbers.into_iter().flatten());
    let listed: Vec<_> = metrics
        .filter(|((key, _), _)| listed.contains(key))
        .map(|((key, title), value)| {
            let value = number(*value).replace("inf", "∞");
            format!("<li><a href=\"#def-{key}\">{}</a>: {value}</li>", Text(title))
        })
        .collect();
    writeln!(out, "<ul class=\"legend\">{}</ul>", listed.concat())?;
    let place = match slice.place {
        Some((axis, index, count)) => format!("Slice {index} along {axis}, counted from 0, of {count} slices: "),
        None => String::new(),
    };
    let (missed, invented) = (slice.missed, slice.invented);
    write!(
        out,
        "<p class=\"soft\">{place}{missed} voxels missed, {invented} invented."
    )?;
    if slice.part {
        out.push_str(" A part of the slice is shown, the structure with a margin.");
    }
    if slice.step > 1 {
        write!(out, " One voxel of {} is shown along each axis.", slice.step)?;
    }
    writeln!(out, "</p>\n<div class=\"panels\">")?;

    // Of channels there are two classes, outside and inside.
    let of_class = |&class: &usize| {
        let of_channel = if class == 0 { "outside" } else { structure_name };
        (
            class_color(class),
            classes.get(class).map_or(of_channel, |name| name.as_str()),
        )
    };
    let mut of_labels: Vec<_> = slice.classes.iter().map(of_class).collect();
    let mut of_errors = vec![(RIGHT, "right"), (MISSED, "missed"), (INVENTED, "invented")];
    if slice.unlabelled {
        of_labels.push((UNLABELLED, "not labelled"));
        of_errors.push((UNLABELLED, "not labelled"));
    }
    let (labels, errors) = (legend(&of_labels), legend(&of_errors));
    let mut panel = |name: &str, png: &[u8], legend: &str| {
        let [width, height] = slice.size;
        writeln!(
            out,
            "<figure><img src=\"{}\" alt=\"{name} of {}\" style=\"width:{width:.0}px;aspect-ratio:{width:.0}/{height:.0}\">\
             <figcaption>{name}{legend}</figcaption></figure>",
            png_address(png),
            Text(&title)
        )
    };
    panel("Prediction", &slice.prediction, &labels)?;
    panel("Reference", &slice.reference, &labels)?;
    panel("Error", &slice.error, &errors)?;
    if let Some(confidence) = &slice.confidence {
        // That of classes is the largest of several.
        let (name, about) = match classes {
            [] => ("Probability", ""),
            _ => ("Confidence", "largest probability: "),
        };
        let ramp = format!("<ul class=\"legend\"><li>{about}0<i class=\"ramp\"></i>1</li></ul>");
        panel(name, confidence, &ramp)?;
    }
    writeln!(out, "</div>\n</article>")
}

fn legend(entries: &[(Rgb888, &str)]) -> String {
    let entry = |(color, name): &(Rgb888, &str)| {
        let [r, g, b] = soft_labels_draw::canvas::rgb(*color);
        format!(
            "<li><i style=\"background:#{r:02x}{g:02x}{b:02x}\"></i>{}</li>",
            Text(name)
        )
    };
    let entries: String = entries.iter().map(entry).collect();
    format!("<ul class=\"legend\">{entries}</ul>")
}
