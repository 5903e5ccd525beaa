"""Answers of programs that do not speak HTTP/1.1."""

# fmt: off  (a case is one line)
from tests.support.corpus import bad

CASES = (
    bad("tls_alert", b"\x15\x03\x01\x00\x02\x02\x46", "BadStatusLine", why="a TLS server was asked in plain text"),
    bad("tls_handshake_record", b"\x16\x03\x03\x00\x31\x02\x00\x00", "BadStatusLine", why="a TLS record is no status line"),
    bad("http2_settings", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80", "BadStatusLine", why="RFC 9113 §3.4: a SETTINGS frame; this client speaks HTTP/1.1"),
    bad("http2_goaway", b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", "BadStatusLine", why="a frame of HTTP/2"),
    bad("http2_preface_echoed", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "BadStatusLine", why="a request of HTTP/2"),
    bad("ssh_banner", b"SSH-2.0-OpenSSH_9.6\r\n", "BadStatusLine", why="port 22"),
    bad("ftp_banner", b"220 ftp.example.org ready\r\n", "BadStatusLine", why="port 21"),
    bad("smtp_banner", b"220 mail.example.org ESMTP\r\n", "BadStatusLine", why="port 25"),
    bad("pop3_banner", b"+OK ready\r\n", "BadStatusLine", why="port 110"),
    bad("imap_banner", b"* OK IMAP4rev1 ready\r\n", "BadStatusLine", why="port 143"),
    bad("redis_error", b"-ERR unknown command\r\n", "BadStatusLine", why="port 6379"),
    bad("mysql_greeting", b"\x4a\x00\x00\x00\x0a8.0.36\x00", "BadStatusLine", why="port 3306"),
    bad("icy", b"ICY 200 OK\r\nicy-name: radio\r\n\r\n", "BadStatusLine", why="SHOUTcast; decision: not HTTP (llhttp takes it when lenient only)"),
    bad("rtsp", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", "BadStatusLine", why="RFC 2326; llhttp accepts it, HTTP-name must be HTTP"),
    bad("sip", b"SIP/2.0 200 OK\r\n\r\n", "BadStatusLine", why="RFC 3261, not HTTP"),
    bad("html_without_status_line", b"<!DOCTYPE html><html><body>hi</body></html>", "BadStatusLine", why="HTTP/0.9 (a body and nothing else) is not accepted"),
    bad("json_without_status_line", b'{"ok": true}\n', "BadStatusLine", why="HTTP/0.9 is not accepted"),
    bad("plain_text_with_empty_line", b"hello\r\n\r\nworld", "BadStatusLine", why="HTTP/0.9 is not accepted"),
    bad("fields_without_status_line", b"Content-Length: 2\r\n\r\nhi", "BadStatusLine", why="RFC 9112 §4"),
    bad("http_in_the_second_line", b"x\r\nHTTP/1.1 200 OK\r\n\r\n", "BadStatusLine", why="nothing but empty lines may come first"),
    bad("httq", b"HTTQ", "BadStatusLine", why="the fourth byte already decides"),
    bad("http_space", b"HTTP ", "BadStatusLine", why="the fifth byte already decides"),
    bad("all_bytes", bytes(range(256)), "BadStatusLine", why="noise"),
    bad("zeros", bytes(4096), "BadStatusLine", why="noise; refused at the first byte"),
    bad("empty", b"", "ServerDisconnectedError", eof=True, why="closed without a byte (RFC 9112 §9.5)"),
    bad("blank_lines_then_closed", b"\r\n\r\n", "ServerDisconnectedError", eof=True, why="closed before the answer began"),
)
