"""What secrets look like: shapes, names and words, as data.

`core/redact.py` and its port in the page use these; `labextension/scripts/generate_rules.py` writes
the port's copy. So every expression means the same to `re` with re.ASCII and to JavaScript, and is
bounded: from one start it examines a few hundred characters at most, or it consumes a run within
which no match can begin. Collected from the rules of detect-secrets and gitleaks and from the
vendors' descriptions of their keys.
"""

from __future__ import annotations

import re
from functools import cache

from nextedit_jupyter.core.secret_expressions import EXPRESSIONS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_B = r"(?<![A-Za-z0-9])"  # no letter or digit before
_E = r"(?![A-Za-z0-9])"
_W = "[A-Za-z0-9]"
_U = "[A-Za-z0-9_-]"
_H = "[0-9a-f]"
_BY_CHANCE = rf"(?={_U}{{0,24}}[0-9])(?={_U}{{0,24}}[A-Z])"  # digits and capitals early on

# Prefixes that nothing else has: after one of them a key may be half typed.
HALF_TYPED = _words(
    "AKIA ASIA ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- sk-ant- sk-proj- sk_live_ rk_live_ "
    "xoxb- xoxp- xapp- hf_ npm_ pypi- AIza ya29. GOCSPX- dop_v1_ hvs. shpat_ gsk_ pplx- nvapi- "
    "ntn_ dckr_pat_ lsv2_ eyJ"
)

# Its kind, a substring of every match (case-sensitive), the expression.
SHAPES: tuple[tuple[str, str, str], ...] = (
    ("private key", "PRIVATE KEY", r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY"),
    ("private key", "PRIVATE KEY-----", r"[A-Z]{2,9} PRIVATE KEY-----"),
    ("private key", "PuTTY-User-Key-File", r"PuTTY-User-Key-File-[0-9]"),
    ("private key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[A-Z0-9]{20}"),
    ("AWS key", "AKIA", rf"{_B}AKIA[0-9A-Z]{{16}}{_E}"),
    ("AWS key", "ASIA", rf"{_B}ASIA[0-9A-Z]{{16}}{_E}"),
    ("GitHub token", "gh", rf"{_B}gh[pousr]_{_W}{{20}}"),
    ("GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9_]{20}"),
    ("GitLab token", "gl", rf"{_B}gl(?:pat|dt|rt|ptt|ft|oas|soat|cbt|agent)-{_U}{{16}}"),
    ("API key", "sk-", rf"{_B}sk-(?={_U}{{0,60}}[0-9]){_U}{{20}}"),
    ("Stripe key", "k_", rf"{_B}[rsp]k_(?:live|test|prod)_{_W}{{16}}"),
    ("Stripe key", "whsec_", rf"{_B}whsec_{_W}{{20}}"),
    ("Slack token", "xox", rf"{_B}xox[abeoprsd]-[A-Za-z0-9-]{{10}}"),
    ("Slack token", "xapp-", rf"{_B}xapp-[0-9]-[A-Za-z0-9-]{{10}}"),
    ("Hugging Face token", "hf_", rf"{_B}hf_{_W}{{20}}"),
    ("Hugging Face token", "api_org_", rf"{_B}api_org_{_W}{{20}}"),
    ("npm token", "npm_", rf"{_B}npm_{_W}{{30}}"),
    ("PyPI token", "pypi-", rf"{_B}pypi-(?={_U}{{0,60}}[0-9]){_U}{{30}}"),
    ("Google key", "AIza", rf"{_B}AIza{_U}{{30}}"),
    ("Google token", "ya29.", rf"{_B}ya29\.{_U}{{20}}"),
    ("Google secret", "GOCSPX-", rf"{_B}GOCSPX-{_U}{{20}}"),
    ("Google token", "1//", rf"{_B}1//0{_U}{{30}}"),
    ("SendGrid key", "SG.", rf"{_B}SG\.{_U}{{16,40}}\.{_U}{{16}}"),
    ("JSON web token", "eyJ", rf"{_B}eyJ{_U}{{10,400}}\.eyJ{_U}{{10}}"),
    ("JSON web token", "eyJhbGciOi", r"eyJhbGciOi"),
    ("JSON web token", "eyJ0eXAiOi", r"eyJ0eXAiOi"),
    ("JSON web token", "eyJraWQiOi", r"eyJraWQiOi"),
    ("Databricks token", "dapi", rf"{_B}dapi{_H}{{32}}"),
    ("DigitalOcean token", "_v1_", rf"{_B}do[opr]_v1_{_H}{{40}}"),
    ("Vault token", "hv", rf"{_B}hv[sbr]\.{_U}{{20}}"),
    ("Shopify token", "shp", rf"{_B}shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{{32}}"),
    ("Groq key", "gsk_", rf"{_B}gsk_{_W}{{20}}"),
    ("xAI key", "xai-", rf"{_B}xai-{_W}{{20}}"),
    ("Replicate token", "r8_", rf"{_B}r8_{_W}{{30}}"),
    ("Perplexity key", "pplx-", rf"{_B}pplx-{_W}{{20}}"),
    ("Tavily key", "tvly-", rf"{_B}tvly-{_U}{{20}}"),
    ("LangSmith key", "lsv2_", rf"{_B}lsv2_(?:pt|sk)_{_H}{{32}}"),
    ("NVIDIA key", "nvapi-", rf"{_B}nvapi-{_U}{{30}}"),
    ("Notion token", "ntn_", rf"{_B}ntn_{_W}{{30}}"),
    ("Notion token", "secret_", rf"{_B}secret_{_W}{{40}}"),
    ("Linear key", "lin_", rf"{_B}lin_(?:api|oauth)_{_W}{{30}}"),
    ("Figma token", "fig", rf"{_B}fig[dour]_{_U}{{30}}"),
    ("Postman key", "PMAK-", rf"{_B}PMAK-{_H}{{20}}"),
    ("Grafana token", "gl", rf"{_B}gl(?:sa|c)_{_W}{{30}}"),
    ("Sentry token", "sntry", rf"{_B}sntry[su]_{_W}{{30}}"),
    ("New Relic key", "NRAK-", rf"{_B}NRAK-[A-Z0-9]{{24}}"),
    ("Atlassian token", "ATATT3", rf"{_B}ATATT3{_U}{{30}}"),
    ("Airtable token", "pat", rf"{_B}pat{_W}{{14}}\.{_H}{{40}}"),
    ("Square token", "sq0", rf"{_B}sq0[a-z]{{3}}-{_U}{{20}}"),
    ("Square token", "EAAA", rf"{_B}EAAA{_U}{{50}}"),
    ("Twilio key", "SK", rf"{_B}SK{_H}{{32}}{_E}"),
    ("Twilio account", "AC", rf"{_B}AC{_H}{{32}}{_E}"),
    ("Mailchimp key", "-us", rf"{_B}{_H}{{32}}-us[0-9]{{1,2}}{_E}"),
    ("Mailgun key", "key-", rf"{_B}key-{_H}{{32}}"),
    ("RubyGems key", "rubygems_", rf"{_B}rubygems_{_H}{{40}}"),
    ("Doppler token", "dp.", rf"{_B}dp\.[a-z]{{2,5}}\.{_W}{{30}}"),
    ("PlanetScale token", "pscale_", rf"{_B}pscale_[a-z]{{2,5}}_{_U}{{30}}"),
    ("Supabase token", "sb", rf"{_B}sb(?:p_|_secret_){_U}{{20}}"),
    ("SonarQube token", "sq", rf"{_B}sq[pau]_{_H}{{40}}"),
    ("CircleCI token", "CCIPAT_", rf"{_B}CCIPAT_{_W}{{10}}"),
    ("Netlify token", "nf", rf"{_B}nf[a-z]_{_W}{{30}}"),
    ("Tailscale key", "tskey-", rf"{_B}tskey-[a-z]{{3,8}}-{_W}{{10}}"),
    ("Pulumi token", "pul-", rf"{_B}pul-{_H}{{40}}"),
    ("Dropbox token", "sl.", rf"{_B}sl\.(?:u\.)?{_U}{{60}}"),
    ("Docker token", "dckr_pat_", rf"{_B}dckr_pat_{_U}{{20}}"),
    ("Terraform token", ".atlasv1.", rf"{_W}{{14}}\.atlasv1\.{_U}{{30}}"),
    ("Artifactory token", "AKC", rf"{_B}AKC[a-z0-9]{_W}{{20}}"),
    ("Azure secret", "Q~", rf"{_W}{{3}}[0-9]Q~[A-Za-z0-9_.~-]{{30}}"),
    ("Alibaba key", "LTAI", rf"{_B}LTAI{_W}{{12}}"),
    ("Telegram token", ":AA", rf"{_B}(?:bot)?[0-9]{{8,10}}:AA{_U}{{30}}"),
    ("Discord token", ".", rf"{_B}[MNO]{_U}{{23,25}}\.{_U}{{6}}\.{_U}{{27}}"),
    (
        "webhook",
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Z0-9]{6}",
    ),
    ("webhook", "/api/webhooks/", r"/api/webhooks/[0-9]{10,20}/[A-Za-z0-9_-]{20}"),
    ("webhook", "webhook.office.com", r"webhook\.office\.com/webhookb?2?/[0-9a-f]{8}"),
    ("webhook", "hooks.zapier.com", r"hooks\.zapier\.com/hooks/catch/[0-9]{3}"),
    (
        "webhook",
        "chat.googleapis.com",
        r"chat\.googleapis\.com/v1/spaces/[^ \t\r\n'\"]{1,200}token=",
    ),
    ("webhook", ".make.com/", r"hook\.[a-z0-9]{2,4}\.make\.com/[a-z0-9]{20}"),
    ("webhook", "/hooks/", r"/hooks/[a-z0-9]{20}"),
    ("webhook", "/with/key/", rf"/with/key/{_U}{{15}}"),
    ("webhook", "/open-apis/bot/", r"/open-apis/bot/v2/hook/[0-9a-f-]{30}"),
    ("webhook", "/webhook/send?key=", r"/webhook/send\?key=[0-9a-f-]{30}"),
    ("key in an address", "code=", r"[?&]code=[A-Za-z0-9%/_-]{30}"),
    ("key in an address", "app", r"[?&]app_?(?:id|key)=[0-9a-f]{32}"),
    ("key in an address", "/t/", r"/t/[a-z]{2}-[0-9a-f]{8}-[0-9a-f]{4}-"),
    ("key in an address", "/t/", rf"/t/(?={_W}{{0,40}}[0-9])(?={_W}{{0,40}}[A-Z]){_W}{{32}}"),
    ("key in an address", "/v", rf"://[a-z.-]{{4,80}}/v[1-9]/{_H}{{32}}{_E}"),
    (
        "key in an address",
        "/v",
        rf"://[a-z.-]{{4,80}}/v[1-9]/(?={_U}{{0,31}}[0-9])(?={_U}{{0,31}}[A-Z]){_U}{{32}}(?!{_U})",
    ),
    (
        "password in .pgpass",
        ":5432:",
        r":5432:[A-Za-z0-9_*-]{1,40}:[A-Za-z0-9_.-]{1,40}:[^ \t\r\n'\":]{4}",
    ),
    ("hash of a password", "$2", r"\$2[abxy]\$[0-9]{2}\$[A-Za-z0-9./]{40}"),
    ("hash of a password", "$", r"\$[156y]\$[A-Za-z0-9./$]{4,40}\$[A-Za-z0-9./]{20}"),
    ("hash of a password", "$apr1$", r"\$apr1\$[A-Za-z0-9./]{1,16}\$[A-Za-z0-9./]{20}"),
    ("hash of a password", "$argon2", r"\$argon2(?:id|i|d)\$v="),
    ("hash of a password", "pbkdf2", r"pbkdf2[:_]sha(?:1|256|512)[:$][0-9]{3}"),
    ("shared access signature", "sig=", r"[?&]sig=[A-Za-z0-9%+/_-]{20}"),
    ("DeepL key", ":fx", rf"{_B}{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}}:fx"),
    (
        "Airtable key",
        "key",
        rf"[\"']key(?={_W}{{0,13}}[0-9])(?={_W}{{0,13}}[A-Z]){_W}{{14}}[\"']",
    ),
    ("one-time password", "otpauth://", r"otpauth://[^ \t\r\n'\"]{0,200}secret=[A-Z2-7]{8}"),
    ("password of a network", "WIFI:", r"WIFI:[^\r\n'\"]{0,80};P:[^;\r\n]{4}"),
    *(
        ("half-typed key", mark, rf"{_B}{mark.replace('.', '[.]')}{_BY_CHANCE}{_U}{{8}}")
        for mark in sorted(HALF_TYPED - {"eyJ"})
    ),
)

# Parts of names that may name a secret, case folded; the full name decides.
KEY_WORDS = (
    "passw",
    "passphrase",
    "passcode",
    "pass",
    "pwd",
    "pw",
    "secret",
    "token",
    "key",
    "auth",
    "bearer",
    "credential",
    "creds",
    "psw",
    "connectionstring",
    "connection_string",
    "cookie",
    "jwt",
    "sig",
    "kennwort",
    "senha",
    "contrase",
    "wachtwoord",
    "adgangskode",
    "salasana",
    "haslo",
    "hasło",
    "heslo",
    "lösenord",
    "losenord",
    "sifre",
    "şifre",
    "비밀번호",
    "mnemonic",
    "phrase",
    "sess",
    "motdepasse",
    "mot_de_passe",
    "psk",
    "парол",
    "Парол",
    "ПАРОЛ",
    *("гасло", "лозинк", "jelsz", "parola", "parool", "lozink", "zapork", "geslo", "palavra"),
    *("kata_sandi", "kata sandi", "katasandi", "mật khẩu", "Mật khẩu", "mat_khau", "matkhau"),
    *("slaptažod", "slaptazod", "contrasenya", "пассворд", "κωδικός πρόσβασης", "συνθηματικ"),
    *("पासवर्ड", "كلمة المرور", "كلمة السر", "סיסמ", "รหัสผ่าน", "mdp", "clave", "chiave", "chave"),
    *("κωδικός", "Κωδικός"),
    "密码",
    "密碼",
    "パスワード",
)
# Ends of names, with their words joined: a password, for which any word may be the secret.
PASSWORD_ENDS = (
    "password",
    "passwd",
    "passwort",
    "kennwort",
    "passphrase",
    "passcode",
    "passwrd",
    "secret",
    "senha",
    "contraseña",
    "contrasena",
    "wachtwoord",
    "adgangskode",
    "salasana",
    "haslo",
    "hasło",
    "heslo",
    "lösenord",
    "losenord",
    "sifre",
    "şifre",
    "비밀번호",
    "mnemonic",
    "seedphrase",
    "recoveryphrase",
    "motdepasse",
    *("пароль", "пароля", "паролем", "парола", "гасло", "лозинка", "jelszó", "jelszo", "jelszava"),
    *("parool", "lozinka", "zaporka", "geslo", "palavrapasse", "katasandi", "mậtkhẩu"),
    *("matkhau", "slaptažodis", "slaptazodis", "contrasenya", "κωδικόςπρόσβασης", "συνθηματικό"),
    *("पासवर्ड", "كلمةالمرور", "كلمةالسر", "סיסמה", "סיסמא", "รหัสผ่าน"),
    "密码",
    "密碼",
    "パスワード",
)
# The same for a name's last word alone: `bypass` is not one.
PASSWORD_WORDS = _words(
    "pass pwd pw dbpass userpass mypass pgpass mysqlpwd dbpwd userpwd mypwd sshpass storepass "
    "keypass srcstorepass deststorepass rootpass adminpass smtppass mailpass ftppass psw pswd "
    "passw psword pswrd psk passe hashpw pword"
)
# A service's key: not a sentence, but possibly short.
KEY_ENDS = (
    "apikey",
    "apitoken",
    "accesstoken",
    "authtoken",
    "secretkey",
    "secretaccesskey",
    "accesskey",
    "accesskeyid",
    "privatekey",
    "accountkey",
    "authkey",
    "sharedkey",
    "sharedaccesskey",
    "masterkey",
    "encryptionkey",
    "signingkey",
    "subscriptionkey",
    "storagekey",
    "consumerkey",
    "refreshtoken",
    "bearertoken",
    "bottoken",
    "sessiontoken",
    "credential",
    "cred",
    "authorization",
    "bearer",
    "oauthtoken",
    "githubtoken",
    "hftoken",
    "sastoken",
)
# Some of these words also have other meanings: key, process, code.
TOKEN_WORDS = _words("token auth jwt cookie mdp clave chiave chave parola κωδικός")
# `the password is …`, in the languages of the names above.
VERBS = (
    *("is", "was", "ist", "est", "es", "è", "é", "är", "er", "jest", "lautet"),
    *("是", "は", "는", "은"),
)
# What may be called a key but rarely is a secret: only values that look random count.
LOOSE_WORDS = _words("key sig signature sessionid sessid session")
# After a password's name: the part of a web page that it is typed into.
ELEMENTS = _words("widget field input box elem element entry el tag form")
# Before `token`: a token of a text, not a secret.
TEXT_TOKENS = _words(
    "pad sep cls mask bos eos unk start end stop special next last first new image text word n "
    "num max min total prompt space input output target source sub current prev previous"
)
# After a secret's name, without changing its meaning.
NAME_TAILS = _words(
    "value val prod production dev test staging live string str text plain plaintext raw old "
    "new default base64 b64 env v hash list lst array series"
)
# Values that consist of these words are placeholders in documentation.
PLACEHOLDER_WORDS = _words(
    "a an the my your our their his her here this that is in on of for to from with and or api "
    "apikey key keys token tokens secret secrets password passwords passwd pass pwd pw "
    "passphrase example examples sample placeholder changeme change me redacted dummy fake "
    "test testing user username name insert enter put paste replace add fill set use type "
    "confirm access id client account auth authorization bearer basic credential credentials "
    "database db value string str some foo bar baz todo tbd none null nil undefined empty "
    "hidden masked private public login please required optional default azure aws openai "
    "google github gitlab huggingface hf kaggle wandb anthropic slack sk pk ghp org service "
    "server host port url email mail app application project true false new old invalid wrong "
    "first one code field column input variable var env bytes int bool text no not any see "
    "below above secretkey secret-key mypassword yourpassword mysecret mytoken yourtoken "
    "yourkey mykey getpass prompt xxx xxxx abc abcd bot web http https real actual own valid "
    "correct must should be it as by will goes go only via long random char characters of "
    "generated page hash hashed encrypted number digits mysql postgres postgresql elastic "
    "elasticsearch acr secure strong redis mongo mongodb ssh sql os environ environment getenv "
    "connection"
)
# Calls whose result is still the secret, and those whose first argument is its name.
WRAPPERS = _words(
    "SecretStr Secret str bytes bytearray quote quote_plus unquote b64decode b64encode "
    "urlsafe_b64decode fromhex unhexlify encode decode strip join field Field Final Credential "
    "Query Header Param Option Column Secret next iter list tuple set frozenset deque zip reversed "
    "sorted dedent array Series Index unescape loads literal_eval eval Template hash md5 sha1 "
    "sha224 sha256 sha384 sha512 blake2b repr intern cast encrypt ib Text Password "
    "PasswordInput reduce add concat"
)
GETTERS = _words("get getenv setdefault pop getattr input getpass")
# Characters that names never contain and passwords often do.
MARKS = "!@#$^&?~"
# Before `pass`: a run through something.
PASSES = _words(
    "first second third single multi two one low high band all fast full forward backward "
    "boarding season no by test tests next last each per"
)

# Every text with a call that takes a secret contains one of these: see the expression `pair`.
PAIR_WORDS = (
    *("auth", "login", "connect", "cred", "ftp", "smtp", "url.create(", "register("),
    *("pw_set(", "dbclient(", ".new(", "fernet(", "crypt(", "jwt.", "otp(", "redis("),
    *(
        "gis(",
        "sentinelapi(",
        "pbkdf2",
        "scrypt(",
        "hashpw(",
        "checkpw(",
        "context.",
        "kdf.",
        "minio(",
    ),
    *("bestavailable", "aesgcm(", "b64encode(", "serializer(", "signer("),
    *("key_set_with_value(", "sign_in(", "signin(", "simple_bind", "communitydata("),
)
# Before the secret in a header.
SCHEMES = ("Bearer ", "bearer ", "Token ", "token ", "Basic ", "basic ", "JWT ")
# In a line with one of these, a word after a space may be a login password.
ACCOUNT_WORDS = ("login", "machine", "configure", "user")
# Magics that set variables, and those whose cell is Python.
SETTING_MAGICS = ("%env ", "%set_env ")
PYTHON_CELLS = ("time", "timeit", "capture", "prun", "debug", "matplotlib")

# Words of a line, and the expressions that are tried on it.
COMMANDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("curl", "wget", "http"), "option"),
    (("mysql", "mariadb", "sshpass", " login", "twine", "mongo"), "dash_p"),
    (
        (
            *("zip", "7z", "rar ", "openssl", "redis-cli", "ssh-keygen", "useradd", "usermod"),
            *("pdf", "certutil"),
        ),
        "dash_other",
    ),
    (("sudo -s", "--with-token", "--password-stdin", "kinit", "| su ", "passwd", "gpg"), "piped"),
    (("kinit", "<<<"), "here"),
    (("identified", "password for"), "identified"),
    (("htpasswd",), "last"),
    (("smbclient", "lftp", "rpcclient"), "joined"),
    (("sqlplus", "sqlldr", "expdp", "impdp", "oracle", ":1521"), "slash"),
    (("-u", "/u:", "-d"), "with_user"),
    (("--value", "--body", "--secret-string", "--string-value"), "kept_value"),
    (("encrypt_string",), "vault"),
    (('"-p"', "'-p'"), "listed"),
    (("securestring",), "secure"),
    (("pragma", "attach"), "pragma"),
    (("identified",), "identified_as"),
    (("login", "cred", "userpass", "user_pass", "auth"), "user_and"),
    (
        (
            *("login", "credential", "creds", "admin", "root", "zugangsdaten", "identifiant"),
            *("credenciales", "credenziali", "acceso"),
        ),
        "said_pair",
    ),
    (("password", "passwd", "pw"), "said_after"),
    (("users", "accounts", "logins"), "accounts"),
    (("requirepass", "masterauth", "wpa_passphrase", "/rp "), "required"),
    (("pass ",), "pass_said"),
    (("mnemonic", "seed"), "given_words"),
    (("password", "passwd", "pw"), "said_as"),
    (("@",), "mailbox"),
    (("@",), "mailbox_words"),
    (("machine ",), "netrc"),
    (("}:",), "between"),
    (("net use", "net user"), "net"),
    (("alias set", "host add"), "fourth"),
    (("rclone obscure ",), "obscured"),
    (("-t ", "--token"), "given_uuid"),
    (("**", "__", ":*", "*:"), "bold"),
)
# A match of these counts only if it is varied.
UNSURE = _words(
    "dash_other here slash listed user_and said_pair said_after mailbox with_user said_as "
    "identified_as between net bold accounts pass_said"
)


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Compiled when a text first contains its substring, so that importing this costs nothing."""
    return re.compile(pattern, re.ASCII)


def expression(name: str) -> re.Pattern[str]:
    return compiled(EXPRESSIONS[name])
