"""A person with an XMPP app, played by slixmpp and driven by lines of JSON.

usage: person.py JID PASSWORD HOST PORT

stdin:  {"send": {"to": JID, "text": TEXT, "id": ID}}   {"raw": XML}   {"disco": JID}   {"quit": true}
stdout: {"event": "online"}  {"event": "offline"}  {"event": "message", "from", "id", "text", "delayed"}
        {"event": "receipt", "id", "from"}  {"event": "error", "id", "condition", "type", "text"}
        {"event": "iq", "id", "from", "type", "condition"}  for answers that are errors
        {"event": "presence", "from", "type", "status"}  {"event": "disco", "jid", "identities", "features"}

It answers receipt requests as apps do, and connects again for as long as it runs.
"""

import asyncio
import json
import ssl
import sys

from slixmpp import ClientXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import StanzaPath


def say(event, **fields):
    print(json.dumps({"event": event, **fields}, ensure_ascii=False), flush=True)


class Person(ClientXMPP):
    def __init__(self, jid, password, host, port):
        super().__init__(jid, password)
        self.at = (host, port)
        # The private server of the tests has a certificate that nobody signed.
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE
        for plugin in ("xep_0030", "xep_0184", "xep_0199", "xep_0203"):
            self.register_plugin(plugin)
        self["xep_0184"].auto_request = True
        self["xep_0184"].auto_ack = False
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("disconnected", self.lost)
        self.add_event_handler("failed_all_auth", lambda _: say("refused"))
        self.add_event_handler("message", self.message)
        self.add_event_handler("message_error", self.returned)
        self.add_event_handler("receipt_received", lambda m: say(
            "receipt", id=m["receipt"], **{"from": str(m["from"])}))
        self.register_handler(Callback("answers that are errors", StanzaPath("iq@type=error"), lambda iq: say(
            "iq", id=iq["id"], type=iq["error"]["type"], condition=iq["error"]["condition"],
            **{"from": str(iq["from"])})))
        self.add_event_handler("presence", lambda p: say(
            "presence", type=p["type"], status=p["status"], **{"from": str(p["from"])}))

    async def started(self, _):
        self.send_presence()
        await self.get_roster()
        say("online")

    async def lost(self, _):
        say("offline")
        await asyncio.sleep(0.3)
        self.connect(*self.at)

    def returned(self, message):
        error = message["error"]
        say("error", id=message["id"], condition=error["condition"], type=error["type"], text=error["text"])

    def message(self, message):
        if message["type"] != "error" and message["body"]:
            delayed = message.xml.find("{urn:xmpp:delay}delay") is not None
            say("message", id=message["id"], text=message["body"], delayed=delayed, **{"from": str(message["from"])})
            # In this order: nobody may learn of a message's delivery before it has been shown here.
            if message["request_receipt"]:
                self["xep_0184"].ack(message)

    async def disco(self, jid):
        try:
            info = (await self["xep_0030"].get_info(jid=jid, timeout=5))["disco_info"]
            identities = sorted([list(map(str, one[:2])) for one in info["identities"]])
            say("disco", jid=jid, identities=identities, features=sorted(info["features"]))
        except Exception as error:  # whatever went wrong is the result
            say("disco", jid=jid, error=repr(error))

    def command(self, command):
        if "send" in command:
            send = command["send"]
            message = self.make_message(mto=send["to"], mbody=send["text"], mtype="chat")
            message["id"] = send["id"]
            message["request_receipt"] = True
            message.send()
        elif "raw" in command:
            self.send_raw(command["raw"])
        elif "disco" in command:
            asyncio.ensure_future(self.disco(command["disco"]))


async def main():
    jid, password, host, port = sys.argv[1:5]
    person = Person(jid, password, host, int(port))
    person.connect(*person.at)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        if "quit" in command:
            break
        person.command(command)
    sys.stdout.flush()


asyncio.run(main())
