"""SQLAlchemy's query, one phase: sqlalchemy_query.py sqlalchemy <phase> <url>"""
import json
import sys
import time

from sqlalchemy import create_engine
from sqlalchemy.orm import Session, joinedload, selectinload

from sqlalchemy_models import Role, User

_, _, phase, url = sys.argv

engine = create_engine(url.replace("sqlite:///", "sqlite:////", 1) if not url.startswith("sqlite:////") else url)
session = Session(engine)


def rss():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def each(work, count=3000):
    for _ in range(300):
        work()
    start = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - start) / count * 1e6, None


def once(work):
    start = time.perf_counter()
    rows = work()
    return (time.perf_counter() - start) * 1000, rows if isinstance(rows, int) else len(rows)


def typical():
    query = session.query(User).filter(User.username.like("user 1%"), User.role_id > 3).order_by(User.username).limit(10)
    return query.statement.compile(engine)


def stream():
    return sum(1 for _ in session.query(User).yield_per(1000))


session.get(User, 1)
base = rss()
before = time.process_time()
value, rows = {
    "compile": lambda: each(typical),
    "get": lambda: each(lambda: session.get(User, 1)),
    "load": lambda: once(lambda: session.query(User).all()),
    "joined": lambda: once(lambda: session.query(Role).options(joinedload(Role.users)).all()),
    "selectin": lambda: once(lambda: session.query(Role).options(selectinload(Role.users)).all()),
    "stream": lambda: once(stream),
}[phase]()
cpu = (time.process_time() - before) * 1000
print(json.dumps({"value": value, "rows": rows, "cpu": cpu, "memory": rss() - base}))
