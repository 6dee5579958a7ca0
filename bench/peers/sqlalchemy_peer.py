"""SQLAlchemy's session, one phase: sqlalchemy_peer.py sqlalchemy <phase> <url> <count>"""
import json
import sys
import time

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from sqlalchemy_models import Role, User

_, _, phase, url, count = sys.argv
count = int(count)

session = Session(create_engine(url.replace("sqlite:///", "sqlite:////", 1) if not url.startswith("sqlite:////") else url))


def insert():
    roles = session.query(Role).order_by(Role.id).all()
    for role in roles:
        role.users  # loaded once, outside the measurement
    start = time.perf_counter()
    session.add_all([User(username=f"user {i}", role=roles[i % 10]) for i in range(count)])
    session.commit()
    return time.perf_counter() - start, None


def load():
    start = time.perf_counter()
    users = session.query(User).all()
    return time.perf_counter() - start, users


def update():
    users = session.query(User).all()
    start = time.perf_counter()
    for user in users:
        user.username += "x"
    session.commit()
    return time.perf_counter() - start, None


def delete():
    users = session.query(User).all()
    start = time.perf_counter()
    for user in users:
        session.delete(user)
    session.commit()
    return time.perf_counter() - start, None


seconds, held = {"insert": insert, "load": load, "update": update, "delete": delete}[phase]()
with open("/proc/self/statm") as statm:
    rss = int(statm.read().split()[1]) * 4096
print(json.dumps({"ms": seconds * 1000, "rss": rss}))
