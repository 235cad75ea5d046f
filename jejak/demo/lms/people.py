"""The people of the demo: one instructor, twelve learners. None of them exists.

The employee numbers have the form of a NIP (18 digits: birth date, month of appointment, sex, serial) and are
fictional on purpose: everybody here was born in 1900, so no number can belong to a civil servant of today.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the LMS. `id` is Moodle's numeric user id, sent as the LTI `sub`."""

    id: str
    username: str
    given: str
    family: str
    idnumber: str
    """Fictional NIP; empty where the agency has not filled it in."""
    unit: str
    instructor: bool = False
    status: str = "Active"

    @property
    def name(self) -> str:
        """Full name as Moodle makes it: given name, space, family name."""
        return f"{self.given} {self.family}"

    @property
    def email(self) -> str:
        """An address in a domain that can never receive mail (RFC 2606)."""
        return f"{self.username}@contoh.example"


INSTRUCTOR = Person(
    "3",
    "anwar.hakim",
    "Anwar",
    "Hakim",
    "190003121925011001",
    "Pusat Pengembangan Kompetensi",
    instructor=True,
)

LEARNERS = (
    Person("11", "budi.santoso", "Budi", "Santoso", "190001051925031002", "Biro Umum"),
    Person("12", "siti.rahayu", "Siti", "Rahayu", "190002141925032003", "Biro Hukum"),
    Person("13", "nimah.zahra", "Ni'mah", "Zahra", "190004221925032004", "Direktorat Layanan Digital"),
    Person("14", "made.wirawan", "I Made", "Wirawan", "190005301925031005", "Inspektorat"),
    Person("15", "maria.tambunan", "Maria", "Tambunan", "190006171925032006", "Biro Keuangan"),
    Person("16", "agus.setiawan", "Agus", "Setiawan", "190007091925031007", "Biro Umum"),
    # Many Indonesians have one name; Moodle insists on two, so administrators type a full stop.
    Person("17", "wahyuni", "Wahyuni", ".", "190008251925032008", "Direktorat Layanan Digital"),
    Person("18", "yosef.kaisiepo", "Yosef", "Kaisiepo", "190009111925031009", "Kantor Perwakilan Jayapura"),
    Person("19", "dewi.lestari", "Dewi", "Lestari", "190010061925032010", "Biro Perencanaan"),
    Person("20", "rizky.pratama", "Rizky", "Pratama", "", "Biro Perencanaan"),
    Person("21", "halimah.nur", "Halimah", "Nur", "190011191925032012", "Kantor Perwakilan Aceh"),
    Person("22", "ferdinand.sitorus", "Ferdinand", "Sitorus", "190012281925031013", "Inspektorat"),
)

PEOPLE = (INSTRUCTOR, *LEARNERS)
BY_ID = {person.id: person for person in PEOPLE}


@dataclass(frozen=True, slots=True)
class Course:
    """The one course of the demo."""

    id: str
    label: str
    title: str


def course_of(year: int) -> Course:
    """The basic training of a year; Moodle's course 1 is the site itself, so this is number 2."""
    return Course("2", f"PD{year}", f"Pelatihan Dasar {year}")


SITE_NAME = "Kelas Nusantara"
AGENCY_NAME = "Badan Contoh Nusantara"
