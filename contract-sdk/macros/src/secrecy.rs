//! Mistakes with secrets, told in the words of this crate: secrets where everybody looks, and code
//! that would have to know a secret to run.
//!
//! Conditions are wrapped in `quartet::secret::condition`, which only a `bool` satisfies. Comparisons
//! and indices are found by the names of arguments; what is missed is still an error, in Rust's words.

use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};
use quote::{ToTokens as _, quote_spanned};
use syn::{Fields, FnArg, ItemFn, Pat, ReturnType, Signature, Type};

use crate::model::mentions;

/// Rust's comparisons, longest first, and the methods in their place.
const COMPARISONS: [(&str, &str); 6] = [
    ("==", "eq"),
    ("!=", "ne"),
    ("<=", "le"),
    (">=", "ge"),
    ("<", "lt"),
    (">", "gt"),
];

/// Checks a function of a contract if it is about secrets, and wraps its conditions.
pub(crate) fn guard(mut item: ItemFn) -> syn::Result<ItemFn> {
    let signature = item.sig.to_token_stream();
    let about_secrets = ["Secret", "SecretVec"]
        .iter()
        .any(|name| mentions(signature.clone(), name));
    if !about_secrets || item.sig.constness.is_some() {
        return Ok(item);
    }
    let body = item.block.to_token_stream();
    let mut secrets: Vec<Ident> = item.sig.inputs.iter().filter_map(secret).collect();
    secrets.retain(|name| !is_bound_again(body.clone(), name));
    check(body.clone(), &secrets)?;
    item.block = syn::parse2(conditions(body))?;
    Ok(item)
}

/// Types of public values that might be meant as secret ones.
const PUBLIC: [&str; 13] = [
    "bool", "u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "Fixed",
    "Fixed128",
];

fn is_secret(ty: &Type) -> bool {
    let tokens = ty.to_token_stream();
    mentions(tokens.clone(), "Secret") || mentions(tokens, "SecretVec")
}

/// Refuses secrets in a struct that everybody sees.
pub(crate) fn check_public(fields: &Fields, why: &str) -> syn::Result<()> {
    let Some(field) = fields.iter().find(|field| is_secret(&field.ty)) else {
        return Ok(());
    };
    let text = format!(
        "{why}, so nothing secret is in it: put what a #[compute] function reveals here, by an \
         #[attested] function; what users seal stays with the nodes"
    );
    Err(syn::Error::new_spanned(&field.ty, text))
}

/// Refuses public values in a sealed input.
pub(crate) fn check_input(fields: &Fields) -> syn::Result<()> {
    for field in fields {
        let public = PUBLIC
            .iter()
            .find(|name| mentions(field.ty.to_token_stream(), name));
        if let Some(public) = public.filter(|_| !is_secret(&field.ty)) {
            let text = format!(
                "what is sealed is secret: write `Secret<{public}>`, or take what is public as an \
                 argument of the #[input] function"
            );
            return Err(syn::Error::new_spanned(&field.ty, text));
        }
    }
    Ok(())
}

/// Refuses secrets that would cross the ABI, and computations that reveal what is public already.
pub(crate) fn check_signature(role: &str, signature: &Signature) -> syn::Result<()> {
    let returns = match &signature.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(&**ty),
    };
    if role == "compute" {
        let Some(Type::Path(path)) = returns else {
            return Ok(());
        };
        let public = PUBLIC.iter().find(|name| path.path.is_ident(name));
        let Some(public) = public else {
            return Ok(());
        };
        let text = format!(
            "a #[compute] function returns secrets, which are then revealed: write `-> Secret<{public}>`"
        );
        return Err(syn::Error::new_spanned(returns, text));
    }
    for argument in &signature.inputs {
        if let FnArg::Typed(typed) = argument
            && is_secret(&typed.ty)
        {
            let text = "arguments are public, since everybody sees transactions: users seal secrets \
                        in a struct with #[derive(SecretInput)], which an #[input] function takes as \
                        `Sealed<Bid>`";
            return Err(syn::Error::new_spanned(&typed.ty, text));
        }
    }
    match returns.filter(|ty| is_secret(ty)) {
        None => Ok(()),
        Some(ty) => {
            let text = "results are public: return a Start of a #[compute] function, which reveals \
                        what it returns, or the result that its #[attested] function kept";
            Err(syn::Error::new_spanned(ty, text))
        }
    }
}

/// Refuses to reveal one of these structs.
pub(crate) fn check_revealed(signature: &Signature, others: &[&Ident]) -> syn::Result<()> {
    let tokens: Vec<_> = signature.output.to_token_stream().into_iter().collect();
    for place in 0..tokens.len() {
        let [word, open, TokenTree::Ident(name), ..] = &tokens[place..] else {
            continue;
        };
        if is_word(word, "Secret") && is_punct(open, '<') && others.contains(&name) {
            let text = format!(
                "what is revealed says so: put #[derive(Reveal)] on `{name}`, whose fields are the \
                 plain types, such as u64, and make one with `{name}::secret(…)`"
            );
            return Err(syn::Error::new_spanned(name, text));
        }
    }
    Ok(())
}

/// The name of an argument that is secret.
fn secret(argument: &FnArg) -> Option<Ident> {
    let FnArg::Typed(typed) = argument else {
        return None;
    };
    let (Pat::Ident(pattern), Type::Path(path)) = (&*typed.pat, &*typed.ty) else {
        return None;
    };
    let last = path.path.segments.last()?;
    let secret = last.ident == "Secret" || last.ident == "SecretVec";
    secret.then(|| pattern.ident.clone())
}

/// Whether a name may stand for something else somewhere in a body.
fn is_bound_again(body: TokenStream, name: &Ident) -> bool {
    let tokens: Vec<_> = body.into_iter().collect();
    let is_name = |token: &TokenTree| matches!(token, TokenTree::Ident(ident) if ident == name);
    let bound = |(place, token): (usize, &TokenTree)| {
        let before = place.checked_sub(1).and_then(|before| tokens.get(before));
        match token {
            TokenTree::Ident(word) if word == "let" || word == "for" => {
                let pattern = tokens[place..].iter().take_while(|token| {
                    !is_punct(token, '=') && !is_word(token, "in") && !is_punct(token, ';')
                });
                mentions(pattern.cloned().collect(), &name.to_string())
            }
            token if is_name(token) => {
                let after = punctuation(&tokens[place + 1..]);
                let or = place >= 2 && punctuation(&tokens[place - 2..place]) == "||";
                ["=>", "|", ":"].contains(&&*after)
                    || !or && before.is_some_and(|before| is_punct(before, '|'))
            }
            TokenTree::Group(group) => is_bound_again(group.stream(), name),
            _ => false,
        }
    };
    tokens.iter().enumerate().any(bound)
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

/// The punctuation at the front, up to two characters that belong together.
fn punctuation(tokens: &[TokenTree]) -> String {
    let mut text = String::new();
    for token in tokens.iter().take(2) {
        let TokenTree::Punct(punct) = token else {
            break;
        };
        text.push(punct.as_char());
        if punct.spacing() == Spacing::Alone {
            break;
        }
    }
    text
}

/// How many tokens at the front are a secret argument with fields and elements of it.
fn secret_path(tokens: &[TokenTree], secrets: &[Ident]) -> usize {
    let rooted = matches!(tokens.first(), Some(TokenTree::Ident(name)) if secrets.contains(name));
    if !rooted {
        return 0;
    }
    let mut len = 1;
    loop {
        match &tokens[len..] {
            [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Bracket => len += 1,
            [dot, TokenTree::Ident(_), rest @ ..] if is_punct(dot, '.') => {
                let call = match rest.first() {
                    Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Parenthesis,
                    _ => punctuation(rest) == "::",
                };
                if call {
                    return 0;
                }
                len += 2;
            }
            _ => return len,
        }
    }
}

fn check(body: TokenStream, secrets: &[Ident]) -> syn::Result<()> {
    let tokens: Vec<_> = body.into_iter().collect();
    for (place, token) in tokens.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| &tokens[before]);
        let member = before.is_some_and(|before| is_punct(before, '.') || is_punct(before, ':'));
        let len = if member {
            0
        } else {
            secret_path(&tokens[place..], secrets)
        };
        if len > 0 {
            check_comparison(&tokens[place..place + len], &tokens[place + len..])?;
        }
        let TokenTree::Group(group) = token else {
            continue;
        };
        let inside: Vec<_> = group.stream().into_iter().collect();
        let indexed = before.is_some_and(|before| match before {
            TokenTree::Ident(_) => true,
            TokenTree::Group(group) => group.delimiter() != Delimiter::Brace,
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        });
        if group.delimiter() == Delimiter::Bracket
            && indexed
            && !inside.is_empty()
            && secret_path(&inside, secrets) == inside.len()
        {
            let text = "a secret is no index, for the place that is looked at would tell it: \
                        write `table.lookup_one(index)`, where the table is a SecretVec, which \
                        SecretVec::public makes of public values";
            return Err(syn::Error::new_spanned(group.stream(), text));
        }
        check(group.stream(), secrets)?;
    }
    Ok(())
}

fn check_comparison(secret: &[TokenTree], after: &[TokenTree]) -> syn::Result<()> {
    let operator = punctuation(after);
    let Some((_, method)) = COMPARISONS.iter().find(|(text, _)| operator == *text) else {
        return Ok(());
    };
    let secret: TokenStream = secret.iter().cloned().collect();
    let place = after.iter().take(operator.len()).cloned();
    let shown = secret.to_string().replace(" . ", ".");
    let text = format!(
        "secrets are compared by methods, which give a Secret<bool>: write `{shown}.{method}(…)`"
    );
    Err(syn::Error::new_spanned(
        secret.into_iter().chain(place).collect::<TokenStream>(),
        text,
    ))
}

/// Wraps the conditions of `if` and `while`, and the guards of `match`.
fn conditions(body: TokenStream) -> TokenStream {
    let tokens: Vec<_> = body.into_iter().collect();
    let mut out = Vec::with_capacity(tokens.len());
    let mut place = 0;
    while let Some(token) = tokens.get(place) {
        place += 1;
        if is_word(token, "if") || is_word(token, "while") {
            out.push(token.clone());
            let rest = &tokens[place..];
            let end = (0..rest.len()).find(|at| ends_condition(&rest[*at..]));
            let condition = &rest[..end.unwrap_or(0)];
            if !condition.iter().any(|token| is_word(token, "let")) {
                out.extend(wrapped(condition));
                place += condition.len();
            }
            continue;
        }
        match token {
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), conditions(group.stream()));
                inside.set_span(group.span());
                out.push(TokenTree::Group(inside));
            }
            other => out.push(other.clone()),
        }
    }
    out.into_iter().collect()
}

fn ends_condition(tokens: &[TokenTree]) -> bool {
    match tokens.first() {
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Brace,
        _ => punctuation(tokens) == "=>",
    }
}

/// Each operand of `&&` and `||` in a call, which must be a `bool`.
fn wrapped(condition: &[TokenTree]) -> TokenStream {
    let mut out = TokenStream::new();
    let mut start = 0;
    let mut place = 0;
    while place <= condition.len() {
        let rest = &condition[place..];
        let operand = &condition[start..place];
        let after_value =
            matches!(operand.last(), Some(token) if !matches!(token, TokenTree::Punct(_)));
        let operator = after_value && ["&&", "||"].contains(&punctuation(rest).as_str());
        if !operator && !rest.is_empty() {
            place += 1;
            continue;
        }
        if let Some(first) = operand.first() {
            let value = conditions(operand.iter().cloned().collect());
            let span = first.span();
            out.extend(quote_spanned!(span=> ::quartet::secret::condition(#value)));
        }
        let operator = if operator { &rest[..2] } else { &[] };
        out.extend(operator.iter().cloned());
        place += operator.len().max(1);
        start = place;
    }
    out
}
