"""The redactor's regular expressions, by name; bounded, as `secret_rules` explains.

The page's copy is generated from this one.
"""

from __future__ import annotations

EXPRESSIONS: dict[str, str] = {
    # Letters, digits and everything outside ASCII.
    "name_tail": (
        r"[^\x00-/:-@\[-^`{-\x7f\uff1a是は는은]{0,40}"
        r"(?:-[^\x00-/:-@\[-^`{-\x7f\uff1a是は는은]{1,40}){0,3}"
    ),
    "word": r"[A-Z]{1,60}(?![a-z])|[A-Z]?[a-z]{1,60}|[0-9]{1,60}|[^\x00-\x7f]{1,60}",
    "close": r"\]?\\?[\"'`]",
    "brackets": r"(?:[ \t]{0,8}\]){0,2}(?:[)\],]{1,2}(?=[ \t]{0,4}=(?![=>])))?",
    "targets": (
        r"(?:[ \t]{0,4},[ \t]{0,4}[A-Za-z_][A-Za-z0-9_.]{0,40}(?:\[[^\]\n]{0,60}\])?){1,6}"
        r"[ \t]{0,4}[)\]]?[ \t]{0,4}=(?!=)"
    ),
    # A line that has only targets so far: an argument before a keyword is none.
    "target_head": (
        r"(?:[^\n]{0,200};)?[ \t]{0,200}[(\[]{0,2}"
        r"(?:\*?[A-Za-z_][A-Za-z0-9_.]{0,40}(?:\[[^\]\n]{0,60}\])?[ \t]{0,4},[ \t]{0,4}[(\[]?){0,6}"
        r"\*?(?:[A-Za-z_][A-Za-z0-9_.]{0,60}(?:\.|\[[\"']))?(?![\s\S])"
    ),
    "heads": (
        r"[ \t]{0,200}[(\[]?(?:\*?[A-Za-z_][A-Za-z0-9_.]{0,40}[ \t]{0,4},[ \t]{0,4}[(\[]?){1,6}"
        r"(?:[A-Za-z_][A-Za-z0-9_.]{0,40}\.)?(?![\s\S])"
    ),
    "annotation": (
        r"[ \t]{0,8}:[ \t]{0,8}(?:[A-Za-z_][A-Za-z0-9_.]{0,40}"
        r"(?:\[[^\[\]]{0,80}(?:\[[^\[\]]{0,60}\][^\[\]]{0,40}){0,2}\])?"
        r"(?:[ \t]{0,3}\|[ \t]{0,3}[A-Za-z0-9_.]{1,40}){0,3}|[\"'][A-Za-z0-9_.\[\], |]{1,60}[\"'])"
        r"[ \t]{0,8}=(?!=|[ \t]{0,20}(?:[\r\n]|(?![\s\S])))"  # Base64 ends so
    ),
    "operator": (
        r"[ \t]{0,20}(?:\\\r?\n[ \t]{0,20}|\*\*(?=:)|`(?=:))?"
        r"(:=|=>|->|<-|[=!]=|[+|]=|[=:\uff1a]|\("
        r"|(?:is|was|ist|est|es|è|é|är|er|jest|lautet)(?=[ \t:])|[是は는은]"
        r"|in(?=[ \t]{0,3}(?:[\[({]|zip\())|\)?\.(?:send_keys|fill|type|setText|set_value)\("
        r"|\)?\.(?:value|text)[ \t]{0,3}=(?!=))"
    ),
    "sends": (
        r"\)?\.(?:(?:send_keys|fill|type|setText|set_value)\(|(?:value|text)[ \t]{0,3}=(?!=))"
    ),
    # A call or a block that is given the name, and then the value.
    "default": (
        r"[ \t]{0,4}[^()}]{0,160}[ ,{\n][\"']?(?:default|value)[\"']?[ \t]{0,3}[=:][ \t]{0,3}"
        r"(?=[rbfu]?[\"'])"
    ),
    # Calls that take a name and then its value; a pair that begins with the name.
    "setter": (
        r"(?:putenv|setenv|set|set_?property|define|setattr|setdefault|fill|type|put|option|set_option|set_env"
        r"|set_key|define_string)\([^()\n]{0,80}(?![\s\S])"
    ),
    "pairs": (
        r"(?:(?<![a-z0-9_])(?:get|pop|getattr|getenv)\([^()\n]{0,80}|(?<![a-z0-9_.\])])\([\"'])(?![\s\S])"
    ),
    # Names of calls whose argument is the secret, whatever it looks like.
    "hands": (
        r"(?:set|with|check|verify|make|hash|encrypt|validate|change|reset|generate)(?=[A-Z_p])"
    ),
    # Names of calls whose argument is the secret's name.
    "fetches": r"(?:get|use|read|fetch|load|find|has|lookup|list|access|retrieve|delete)(?=[A-Z_])",
    "colour": r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})(?![\s\S])",
    "sets_password": r"set[ \t]{1,4}password[^\n]{0,60}=[ \t]{0,4}(?![\s\S])",
    # The other side of a comparison.
    "yoda": (
        r"[\"']([^\"'\n]{3,100})[\"'][ \t]{0,3}[=!]=[ \t]{0,3}"
        r"(?:[A-Za-z_][A-Za-z0-9_.]{0,40}\.)?(?![\s\S])"
    ),
    # A form's element that has a value and is labelled with the name.
    "described": (
        r"(?:value|text|default|initial)[ \t]{0,2}=[ \t]{0,2}[\"']([^\"'\n]{3,100})[\"']"
        r"[^()\n]{0,100}(?:description|label|placeholder|name|title)[ \t]{0,2}=[ \t]{0,2}"
        r"[\"'][A-Za-z ]{0,20}(?![\s\S])"
    ),
    # A variable that is given to the name, and where a literal is assigned to a variable.
    "variable": (
        r"[ \t]{0,8}([A-Za-z_][A-Za-z0-9_]{0,40})"
        r"(?=[ \t]{0,8}(?:[,)\]}\r\n#;]|(?![\s\S])))"
    ),
    "assigned": (
        r"(?<![A-Za-z0-9_.\"'])((?:[A-Za-z_][A-Za-z0-9_]{0,40}[ \t]{0,4},[ \t]{0,4}){0,4}"
        r"[A-Za-z_][A-Za-z0-9_]{0,40})[ \t]{0,8}(?::[ \t]{0,2}[A-Za-z_.]{1,40}[ \t]{0,8})?"
        r"=[ \t]{0,8}(?=[rbfuRBFU]{0,2}[\"'])"
    ),
    "last_word": r"([A-Za-z]{1,16})[ ](?![\s\S])",
    "dotted": r"(?<![A-Za-z0-9_-])([A-Za-z0-9_-]{1,20})\.(?![\s\S])",
    "compared": (
        r"(?:assert[A-Za-z_]{0,30}|compare_digest)\((?:[A-Za-z_][A-Za-z0-9_.]{0,40}\.)?(?![\s\S])"
    ),
    "returns": (
        r"\([^()\n]{0,100}\)[ \t]{0,4}(?:->[^:\n]{0,40})?:[ \t\r\n]{1,80}"
        r"(?:(?:\"{3}[^\"]{0,200}\"{3}|'{3}[^']{0,200}'{3}|\"[^\"\n]{0,200}\")[ \t\r\n]{1,80})?"
        r"return[ \t]{1,4}"
    ),
    # What may stand between a name and its value.
    "said_scheme": (
        r"(?:Basic|Bearer|Token|Digest|basic|bearer|token|JWT)[ \t]{1,4}"
        r"|(?:[|>][+-]?[ \t]{0,4}\r?\n[ \t]{1,20}|![a-z]{1,12}[ \t]"
        r"|(?:is|was)?[ \t]{0,2}:[ \t]{1,4}"
        r"|</?[a-z]{1,10}>[ \t]{0,3})"
    ),
    "valued": (
        r"[\"']?[ \t]{0,4},?[ \t]{0,4}\r?\n[ \t]{1,20}[\"']?value[\"']?[ \t]{0,3}[:=][ \t]{0,3}"
    ),
    # The same in a sentence (`password of the db is`, `password for x:`) and in a table's row.
    "said_of": (
        r"[ \t](?:for|of|to|on|at|für|zu|von|de|du|da|do|per|pour|para|k|ke|till|til|voor|van|для|к"
        r"|от)(?:[ \t][^ \t\r\n:'\"(){}\[\]=#,;]{1,20}){1,4}"
        r"(?:[ \t]{0,2}:|[ \t](?:is|ist|est|es|è|é|lautet))[ \t]{1,4}"
        r"|[ \t][^\x00-\x7f]{2,20}:[ \t]{1,4}"
        r"|[ \t]{1,20}\|[ \t]{0,20}"
    ),
    "cell_of": r"[ \t]{0,20}\|[^\n]{0,200}(?![\s\S])",
    # Characters given by their code points.
    "spelt": (
        r"[ \t]{0,4}(?:\"\"|'')?(?:\.join\()?[ \t]{0,4}"
        r"(?:map\(chr|chr\(|bytes\(|bytearray\()[^\n0-9]{0,30}"
        r"(?:[0-9]{2,3}[^0-9\n]{1,12}){3}[0-9]{2,3}"
    ),
    # The value that a case of `match`, an answer to a prompt or a table's row gives to the
    # preceding name.
    "cases": r"[ \t]{0,4}:[ \t]{0,8}\r?\n[ \t]{1,20}case[ \t]{1,4}",
    "answered": (
        r"[ \t]{0,2}[:?]?[ \t]{0,2}[\"'][ \t]{0,2}[,)][^\n]{0,60}\n?[^\n]{0,60}"
        r"\.(?:sendline|send_keys|send|write)\("
    ),
    # A prompt's answer that is compared: `input("Password: ") == "…"`.
    "asked": (
        r"[ \t]{0,2}[:?]?[ \t]{0,2}[\"'][^()\n]{0,80}\)[ \t]{0,3}[=!]=[ \t]{0,3}(?=[rbfu]?[\"'])"
    ),
    "said_with": (
        r"[ \t]{0,2}[:=]?[ \t]{0,2}(?:%s|\{\})?[ \t]{0,2}[\"'][ \t]{0,4},"
        r"[ \t]{0,4}(?=[rbfu]?[\"'])"
    ),
    "values": r"[^()\n]{0,100}\)[ \t\r\n]{1,8}(?:VALUES|values|Values)[ \t\r\n]{0,8}(?=\()",
    "filled": (
        r"(?:%s|\?|\{[a-z0-9_]{0,20}\}|:[a-z_]{1,20})[^\"'\n]{0,80}[\"'][ \t]{0,4}"
        r"(?:%|\.format\(|,(?=[ \t\r\n]{0,20}[(\[]))[ \t]{0,4}"
    ),
    "filled_row": (
        r"[^()\n]{0,100}\)[ \t\r\n]{1,8}(?:VALUES|values|Values)[ \t\r\n]{0,8}"
        r"\((?:[ \t,]{0,4}(?:%s|\?|:[a-z_]{1,20}|\$[0-9])){1,12}[ \t]{0,4}\)[^\"'\n]{0,40}"
        r"[\"']{1,3}[ \t]{0,4},[ \t\r\n]{0,20}(?=[(\[])"
    ),
    # What precedes a name in settings files, lists and scripts; in a sentence; in a section's
    # heading.
    "lead": (
        r"[ \t]{0,200}(?:[-*>|+$][ \t]{1,4}|[0-9]{1,2}[.)][ \t]{1,4}|<!--[ \t]{0,4})?"
        r"(?:\*{1,2}|_{1,2}|<b>)?"
        r"(?:(?:export|ENV|ARG|set|SET|setenv|set -x)[ \t]{1,4})?"
        r"(?:[A-Za-z0-9_-]{1,40}\.){0,4}(?![\s\S])"
    ),
    "prose": (
        r"[ \t]{0,200}(?!(?:if|elif|for|while|lambda|def|assert|return|case|match|class|with|not"
        r"|print|yield|raise|del|import|from|else|in|and|or)[ \t])"
        r"(?:[A-Za-z`'*-]{1,20}[ \t,]{1,3}){1,12}(?![\s\S])"
    ),
    "listed_item": r"[ \t]{0,20}[-*>+][ \t]",
    "settings": (
        r"[ \t]{0,40}(?:[A-Za-z_]{1,30}[ ]?[=:][ ]?[^ =;:,\t\r\n]{0,60}[;, ][ ]?){1,8}(?![\s\S])"
    ),
    # Commands that set a variable to the following word; a line that captures a shell's output.
    "sets": (
        r"[ \t]{0,40}[!%]?(?:ENV|ARG|setenv|setx|set -[gx]{1,2}|env|set_env|poetry config)"
        r"[ \t]{1,4}(?:[A-Za-z0-9_-]{1,40}\.){0,4}(?![\s\S])"
    ),
    "caught": r"[ \t]{0,40}[A-Za-z_][A-Za-z0-9_, ]{0,60}=[ \t]{0,4}!",
    # `with password '…'` of SQL, and said.
    "grants": (
        r"(?:create|alter|with|encrypted|login|options|identified|set|user|role)(?![a-z])[^\n]{0,120}"
        r"(?![\s\S])"
    ),
    "text_value": r"[^ \t\r\n.'\"(]{3,100}(?![^ \t\r\n}\]|,<])",
    "plain_word": r"[A-Za-z][a-z]{4,30}(?![A-Za-z0-9_.\[(])",
    "noted": r"[ \t]{0,40}#[ \t]{0,4}(?:export[ ])?(?![\s\S])",
    "braced": r"\{([^{}\n]{3,80})\}",
    "section": r"(?<![^\n])\[[A-Za-z][A-Za-z0-9 ._:-]{0,40}\](?![^\r\n])",
    "blanks": r"[ \t]{0,40}(?:\*\*[ \t]{1,4})?",
    "space": r"[ \t\r\n\\]{0,200}(?:#[^\n]{0,200}\n[ \t\r\n\\]{0,200}){0,3}",
    "string": r"[rbfuRBFUNn]{0,2}(\"\"\"|'''|\\?[\"']|`)",
    "quoted": r"[ \t\r\n]{0,40}[rbfuRBFU]{0,2}[\"']",
    "triple": r"\"{3}|'{3}",
    "double": r"(?:[^\"\\\n]|\\[^\n]){0,400}",
    "single": r"(?:[^'\\\n]|\\[^\n]){0,400}",
    "escaped": r"[^\"'\\\n]{0,400}",
    "backtick": r"(?:[^`\\\n]|\\[^\n]){0,400}",
    "call": r"[A-Za-z_.][A-Za-z0-9_.]{0,80}\(",
    "condition": (
        r"%|lambda[^:\n]{0,40}:|if[ \t][^\n]{0,120}?[ \t]else(?![A-Za-z0-9_])"
        r"|(?:default(?:_value|_var|_factory)?|fallback|value|secret|key)[ \t]{0,2}"
        r"=(?!=)"
        r"|(?:[A-Za-z_][A-Za-z0-9_.]{0,60}(?:\[[^\]\n]{0,60}\]|\([^()\n]{0,60}\))?[ \t]{1,4})?"
        r"(?:if[ \t][^\n]{0,120}?[ \t]else|or|and|if|else|not)(?![A-Za-z0-9_])"
    ),
    "added": r"[A-Za-z_][A-Za-z0-9_.]{0,60}[ \t]{0,3}\+(?!=)",
    # An argument that is not a literal.
    "number": r"(?:[0-9]{1,10}|[A-Za-z_][A-Za-z0-9_.]{0,40})(?=[ \t]{0,4},)",
    # What an element of XML says before its text: `<password type="x">`.
    "attributes": (
        r"(?:[ \t\r\n]{1,8}[A-Za-z_:.-]{1,40}=[\"'][^\"'<>\n]{0,120}[\"']){1,6}[ \t]{0,2}(?=>)"
    ),
    "element": r"[^ \t\r\n'\"<>]{3,100}</",
    # An ampersand ends it where the next parameter of an address, an entity or a command follows.
    "bare": (
        r"[^ \t\r\n'\"`,;&<>()\[\]{}|\\$](?:[^ \t\r\n'\"`,;&<>()\[\]{}|\\$]|\$(?![{(])"
        r"|&(?![A-Za-z0-9_.%-]{0,40}[=;&]|[ \t]|[\r\n]|(?![\s\S]))){0,200}"
    ),
    # A string that ends behind the name, and what is added to it.
    "ended": r"[\"'][ \t]{0,4}\+(?!=)[ \t\r\n]{0,20}",
    "after": r"[ \t]{1,4}[A-Za-z_ ]{1,30}=(?!=)",
    "replacement": r"\{[^{}]{0,100}\}",
    "joint": (
        r"[\"'][ \t]{0,40}(?:\+[ \t]{0,40})?(?:\\?\r?\n[ \t]{0,40}){0,3}(?:\+[ \t]{0,40})?"
        r"[rbfuRBFU]{0,2}[\"']"
    ),
    "run": r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{16,}={0,2}",
    "capitals": r"[A-Z0-9]{16,19}(?![\s\S])",
    "joined_words": r"[a-z]{3,200}(?:[_-]|(?![\s\S]))",
    "scheme": (
        r"://(\{[^{}\r\n]{1,60}\}|[^ \t\r\n/:@'\"<>]{0,80})"
        r":([^ \t\r\n'\"<>@]{1,200}@?[^ \t\r\n'\"<>@/]{0,100})@[A-Za-z0-9{\[/]"
    ),
    # The password of an address that is being typed: nothing follows it yet.
    "half_scheme": (
        r"://(?:[A-Za-z0-9_.%+-]{1,80}|\{[a-z_.]{1,40}\})"
        r":([^ \t\r\n/:@'\"<>{}()\[\]]{3,100})(?:@?[\"')\]}]{0,4}(?![^\r\n])|@[\"'][ \t]{0,4}\+)"
    ),
    # An address with a placeholder: `"x://ann:%s@h" % …`.
    "filled_address": (r"[^\"'\n]{0,120}[\"'][ \t]{0,4}(?:%|\.format\()[ \t]{0,4}"),
    # An address to which the password is added: `"x://ann:" + …`.
    "continued": (r"://[^ \t\r\n/:@'\"<>]{1,80}:[\"'][ \t\r\n]{0,20}\+(?!=)[ \t\r\n]{0,20}"),
    # A named value for the placeholder: `.format(u="ann", p="…")`.
    "filled_name": (
        r"([A-Za-z_][A-Za-z0-9_]{0,30})[\"']?[ \t]{0,3}[=:][ \t]{0,3}[rbf]?"
        r"[\"']([^\"'\n]{3,100})[\"']"
    ),
    # A column's name in a table's first row.
    "column": r"[ ]?[A-Za-z][A-Za-z0-9_ -]{0,30}(?![\s\S])",
    "lone": r"://([A-Za-z0-9_-]{20,200})@[A-Za-z0-9]",
    "lower_run": r"[a-z]{3,200}",
    "capitalised": r"[A-Z][a-z]{2,60}|(?<![A-Za-z0-9])[a-z]{3,60}",
    "uuid": r"(?:[A-Za-z][A-Za-z0-9]{0,20}[_-]){0,4}[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    # A machine, network or disk of a cloud provider: `ami-0…`; an account on a chain: `0x…`, half
    # as long as its key; a product or a run, named by its properties: `S2B_MSIL2A_20220520_R117`.
    "resource": (
        r"(?:[a-z]{1,16}-0[0-9a-f]{16}|0x[0-9a-fA-F]{40}"
        r"|(?:[A-Za-z0-9-]{1,16}_){3,12}[A-Za-z0-9-]{1,16})(?![\s\S])"
    ),
    # The end of a file's name: a file may be called by its sum.
    "file_end": r"\.[a-z][a-z0-9]{1,4}(?:\.[a-z0-9]{1,4})?(?![A-Za-z0-9_(])",
    # Next to these, a long hexadecimal number is a checksum or an identifier, not a key.
    "sum": (
        r"hash|sha[0-9_]|md5|commit|checksum|digest|revision|uuid|guid|etag|version|fingerprint"
        r"|integrity|checkout|snapshot|run_id|session_id|file_?id|doc(?:ument)?_?id|sheet"
        r"|runs?[:/]|drive\.google|gdown|docs\.google|youtube|gist|zenodo|figshare|data:image|base64,"
        r"|(?:run|experiment|trial|job|task|batch|model|item)_?id|[_.]run\("
        r"|ssh-(?:ed25519|rsa|dss)[ ]|ecdsa-sha|public_?key|gdrive:|(?:drive|folder)_?id"
        r"|/(?:tree|blob|raw)/|(?<![a-z])(?:rev|sha|git|crc|doi|cid|build)(?![a-z])"
        r"|(?<!key)_ids?[\"']?[ \t]{0,2}[:=]{1,2}[ \t]{0,2}[\[(]?[\"']?(?![\s\S])"
    ),
    "pair": (
        r"(?:(?:auth|creds?|login)[\"']?[ \t]{0,4}[=:][ \t]{0,4}(?:[(\[]|(?=\{))|auth[a-z_]{0,20}\("
        r"|login\(|key_set_with_value\(|sign_?in\(|simple_bind(?:_s)?\(|communitydata\("
        r"|auth[ \t]{0,4}=[ \t]{0,4}(?=[\"'])|connect\(|(?:ftp|smtp)(?:_tls|_ssl)?\("
        r"|cred(?:ential)?s?\("
        r"|redis\(|gis\(|sentinelapi\(|connection\(|url\.create\(|register\(|pw_set\(|dbclient\("
        r"|(?:hmac|aes|des3?|chacha20|salsa20|blowfish)\.new\(|fernet\(|crypt\(|[th]otp\("
        r"|jwt\.(?:en|de)code\([^,()\n]{0,60},|pbkdf2_hmac\([^,()\n]{0,60},|pbkdf2\(|scrypt\("
        r"|(?:hash|check)pw\(|[a-z_]{0,20}(?:pwd|crypt|pass)_?context\.(?:hash|encrypt|verify)\(|kdf\.derive\("
        r"|bestavailableencryption\(|aesgcm\(|minio\(|b64encode\(|(?:urlsafe|signing)[a-z_]{0,20}"
        r"(?:serializer|signer)\()"
    ),
    # A value of these counts only if it is varied; for the last ones it may come first.
    "pair_unsure": (
        r"(?:auth|creds?|login)[^(\[]{0,12}(?![\s\S])|auth(?!enticate\()[a-z_]{1,20}\(|redis|gis|sent"
        r"|connect|ftp|smtp|url\.|register|pw_set|dbclient"
        r"|hmac|aes|des|cha|sal|blow|fern|cry|jwt|pbk|scr|hashpw|checkpw|[a-z_]{0,20}context|kdf|best|minio|b64"
        r"|urls|sign|cred|simp|comm"
    ),
    "pair_alone": (
        r"hmac|aes|des|cha|sal|blow|fern|cry|jwt|[th]otp|pbk|scr|hashpw|checkpw|[a-z_]{0,20}context|kdf|best"
        r"|minio|b64|urls|signing|comm"
    ),
    "argument": r"[ \t\r\n]{0,80}[A-Za-z_][A-Za-z0-9_.]{0,60}[ \t\r\n]{0,8},",
    "option": (
        r"[ \"'](?:--user|--proxy-user|--auth|-[A-Za-z]{0,4}[uU]|-a)[ =\"',]{0,6}"
        r"([^ \t\r\n:'\"$]{1,80}):(?!/)([^ \t\r\n'\"]{3,100})"
    ),
    "dash_p": r"[ '\",]-p[ ]?([^ \t\r\n'\",]{3,100}|'[^'\n]{3,100}'|\"[^\"\n]{3,100}\")",
    "dash_other": (
        r"[ '\",]-(?:[pPkbaN]|hp|upw|opw|pass|passin|passout)[ =:]?(?:pass:)?[\"']?"
        r"([^ \t\r\n'\",]{3,100})"
    ),
    "last": (
        r"-[a-zA-Z]{0,4}b[a-zA-Z]{0,4}(?:[ \t]{1,4}[^ \t\r\n]{1,80}){1,2}[ \t]{1,4}"
        r"([^ \t\r\n'\"]{3,100})"
    ),
    "joined": r"-[uU][ ]?[\"']?[A-Za-z0-9._-]{1,40}[,%]([^ \t\r\n'\"]{3,100})",
    "slash": r"(?<![A-Za-z0-9_$#/])[A-Za-z][A-Za-z0-9_$#]{0,30}/([^ \t\r\n'\"@/]{3,60})@",
    # A user and a password, each after its one-letter option.
    "with_user": (
        r"[ '\"](?:-{1,2}(?:u|U|D|user|username)[ =]?|/u:)[^ \t\r\n-][^ \t\r\n]{0,60}[^\n]{0,80}?"
        r"[ '\"](?:-{1,2}(?:p|P|w|W|a|A|pw|pass|passwd)[ =]|/p:)"
        r"[\"']?([^ \t\r\n'\",-][^ \t\r\n'\",]{3,100})"
    ),
    # Values passed to a secret store.
    "kept_value": (
        r"(?:[Ss]ecret|SECRET|put-parameter)[^\n]{0,120}[ ]"
        r"--(?:value|body|(?:secret-)?string(?:-value)?)[ =][\"']?"
        r"([^ \t\r\n'\"{$<-][^ \t\r\n'\"]{2,100})"
    ),
    "vault": r"encrypt_string[ ][\"']([^'\"\n]{3,100})[\"']",
    # A sentence in which the password comes first.
    "said_as": (
        r"[ `'\"(]([^ \t\r\n`'\"(]{5,80})[`'\"]?[ \t]{0,3}"
        r"(?:as[ ](?:(?:the|my|your|a)[ ])?|\()"
        r"(?:[Pp]ass(?:word|wd)|PASSWORD|[Pp]wd?)(?![A-Za-z_=])"
    ),
    "listed": r"[\"']-p[\"'][ \t]{0,4},[ \t]{0,4}[\"']([^\"'\n]{3,100})[\"']",
    "secure": r"SecureString[ \t]{1,4}(?:-String[ \t]{1,4})?[\"']([^\"'\n]{3,100})[\"']",
    "pragma": (
        r"(?:(?:PRAGMA|pragma)[ \t]{1,4}(?:re)?key[ \t]{0,4}="
        r"|(?:AS|as)[ ][A-Za-z_]{1,30}[ ](?:KEY|key)[ ])"
        r"[ \t]{0,4}"
        r"[\"']([^\"'\n]{3,100})[\"']"
    ),
    # A user and a password in one word, assigned or in a sentence.
    "user_and": (
        r"(?:[Ll]ogin|LOGIN|[Cc]red|CRED|[Uu]ser_?[Pp]ass|USER_?PASS|[Aa]uth|AUTH)"
        r"[A-Za-z_]{0,12}[\"']?[ \t]{0,3}[:=][ \t]{0,3}"
        r"[\"'][^ \t\r\n:'\"$/{]{1,60}:(?!/)([^ \t\r\n'\"]{3,80})[\"']"
    ),
    "said_pair": (
        r"(?:(?:[Ll]ogin|[Cc]redentials?|[Cc]reds|[Zz]ugangsdaten|[Ii]dentifiants?|[Cc]redenciales"
        r"|[Cc]redenziali|[Aa]cceso)[ \t:=]{1,4}(?:with[ ])?[A-Za-z0-9._@-]{1,40}"
        r"|#[ \t]{0,4}(?:admin|root|user))"
        r"[ \t]{0,2}[:/][ \t]{0,2}([^ \t\r\n'\"/]{4,80})"
    ),
    "said_after": (
        r"[\"']([^\"'\n]{4,80})[\"'][^\"'#\n]{0,60}#[^#\n]{0,40}"
        r"(?:[Pp]ass(?:word|wd)|PASSWORD|[Pp]wd?(?![A-Za-z]))"
    ),
    "netrc": (
        r"machine[ \t]{1,4}[^ \t\r\n]{1,80}[ \t]{1,4}login[ \t]{1,4}[^ \t\r\n]{1,80}"
        r"[ \t]{1,4}password[ \t]{1,4}([^ \t\r\n'\"]{3,100})"
    ),
    # A mailbox's password for programs: four words of four letters.
    "mailbox_words": (
        r"[\"'][^\"'@ \t\r\n]{1,60}@[a-z0-9-]{1,40}\.[a-z.]{2,20}[\"'][ \t]{0,2},[ \t]{0,2}"
        r"[\"']([a-z]{4}(?:[ ][a-z]{4}){3})[\"']"
    ),
    "mailbox": (
        r"[\"'][^\"'@ \t\r\n]{1,60}@[a-z0-9-]{1,40}\.[a-z.]{2,20}[\"'][ \t]{0,2},[ \t]{0,2}"
        r"[\"']([^\"'\n]{4,80})[\"']"
    ),
    "between": r"\{[A-Za-z_.]{1,30}\}:([^ \t\r\n'\"{}@/:]{4,80})@",
    # A share's or a user's password on Windows; a store's account, by the position of each word.
    "net": (
        r"[Nn][Ee][Tt][ ](?:use[ ](?:[^ \n]{1,40}[ ])?\\\\[^ \n]{1,80}(?:[ ]/user:[^ \n]{1,60})?"
        r"|user[ ][^ /\n]{1,60})[ ]([^ /\n*-][^ \n]{2,60})"
    ),
    "fourth": (
        r"(?:alias[ ]set|host[ ]add)[ ][^ \n]{1,60}[ ]https?://[^ \n]{1,120}[ ][^ \n]{1,60}[ ]"
        r"[\"']?([^ \t\r\n'\"]{3,100})"
    ),
    "obscured": r"obscure[ ][\"']?([^ \t\r\n'\"-][^ \t\r\n'\"]{2,100})",
    "given_uuid": (
        r"[ ]-{1,2}(?:t|token)[ =][\"']?"
        r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    ),
    # Accounts listed by user; the first words of a settings file and of a protocol.
    "accounts": (
        r"(?:[Uu]sers|USERS|[Aa]ccounts|ACCOUNTS|[Ll]ogins|LOGINS)[\"']?[ \t]{0,3}[:=][ \t]{0,3}"
        r"[\[{(]{1,3}[ \t]{0,3}[\"'][^\"'\n]{1,40}[\"'][ \t]{0,3}[:,][ \t]{0,3}"
        r"[\"']([^\"'\n]{4,80})[\"']"
    ),
    "required": (
        r"(?:requirepass|masterauth|wpa_passphrase[ ][^ \n]{1,60}|[ ]/rp)[ ][\"']?"
        r"([^ \t\r\n'\"]{4,100})"
    ),
    "pass_said": r"[\"']PASS[ ]([^ \t\r\n'\"\\{]{4,80})",
    "given_words": (
        r"(?:mnemonic|seed)[a-z_]{0,12}\([ ]{0,2}[\"']([a-z]{3,8}(?:[ ][a-z]{3,8}){11,23})[\"']"
    ),
    # Set in bold letters.
    "bold": (
        r"(?:[Pp]ass(?:word|wd|phrase)|PASSWORD|[Pp]wd)(?::?[*_]{1,2}:?)[ \t]{0,3}[`\"']?"
        r"([^ \t\r\n`\"'*_|][^ \t\r\n`\"'|]{3,80})"
    ),
    "scheme_of": r"[A-Za-z][A-Za-z-]{1,20}[ ](?=[^ \t\r\n]{16,200}(?![\s\S]))",
    "table_rule": r"[ \t]{0,8}\|?[ \t]{0,8}:?-{2,200}[|: \t-]{0,200}(?![\s\S])",
    "here": r"<<<[ \t]{0,4}[\"']?([^ \t\r\n'\"<>,]{3,100})",
    "identified": (
        r"(?:identified[ \t]{1,4}(?:with[ \t]{1,4}[a-z0-9_\"']{1,40}[ \t]{1,4})?by"
        r"|password[ \t]{1,4}for[^=\n]{1,60}=)[ \t]{1,4}(?:password[ \t]{0,4}\(?)?"
        r"['\"]([^'\"\n]{3,100})"
    ),
    "identified_as": (
        r"(?:IDENTIFIED|[Ii]dentified)[ \t]{1,4}(?:BY|by)[ \t]{1,4}([^'\" \t\r\n;(]{3,100})"
    ),
    "piped": (
        r"echo[ \t]{1,4}(?:-[ne]{1,2}[ \t]{1,4})?[\"']?([^ \t\r\n|\"']{4,200})[\"']?[ \t]{0,4}\|"
    ),
}
